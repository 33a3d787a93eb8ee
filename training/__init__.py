"""Everything that makes the model packs, from published base weights to ONNX."""
