#!/usr/bin/env bash
# Installs the servers that `npm run test:s3` needs, into build/servers or $AURICLE_TEST_SERVERS:
# versitygw (an S3 server over a folder; Apache-2.0), built by Go, about two minutes the first time.
set -euo pipefail
cd "$(dirname "$0")/.."
servers=${AURICLE_TEST_SERVERS:-$PWD/build/servers}
mkdir -p "$servers"
[ -x "$servers/versitygw" ] && exit 0
command -v go >/dev/null || { echo 'Go is needed to build versitygw: https://go.dev/doc/install' >&2; exit 1; }
GOBIN=$(cd "$servers" && pwd) go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
