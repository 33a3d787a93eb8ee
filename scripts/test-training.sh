#!/usr/bin/env bash
# Lints training/ and runs its tests with the Python that scripts/install-parity.sh installs; arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${AURICLE_PARITY:-build/parity}/python/bin
"$bin/ruff" check --config training/pyproject.toml training
"$bin/ruff" format --check --config training/pyproject.toml training
exec "$bin/python" -m pytest -c training/pyproject.toml training "$@"
