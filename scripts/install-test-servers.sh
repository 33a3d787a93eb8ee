#!/usr/bin/env bash
# Installs the servers that `npm run test:servers` needs:
# - versitygw (an S3 server over a folder; Apache-2.0) into build/servers or $AURICLE_TEST_SERVERS, built by Go, about
#   two minutes the first time;
# - the Python SDKs of serverless hosts (runpod, modal), which start what is in infra/hosts;
# - redis-server (BSD; Valkey's speaks the same, name it in REDIS_SERVER) from the system's packages.
set -euo pipefail
cd "$(dirname "$0")/.."
servers=${AURICLE_TEST_SERVERS:-$PWD/build/servers}

if ! command -v "${REDIS_SERVER:-redis-server}" >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo 'There is no redis-server here, and no right to install one.' >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null
fi

mkdir -p "$servers"

# The SDKs of serverless hosts, which start what is in infra/hosts.
if [ ! -x "$servers/hosts/bin/modal" ]; then
  python3 -m venv "$servers/hosts"
  "$servers/hosts/bin/pip" install --quiet runpod==1.12.0 modal==1.6.4
fi

[ -x "$servers/versitygw" ] && exit 0
command -v go >/dev/null || { echo 'Go is needed to build versitygw: https://go.dev/doc/install' >&2; exit 1; }
GOBIN=$(cd "$servers" && pwd) go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
