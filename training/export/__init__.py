"""ONNX graphs, quantization and manifests of the packs in `models/`."""
