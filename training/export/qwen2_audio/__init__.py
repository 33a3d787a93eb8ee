"""From a published Qwen2-Audio checkpoint to a pack: `python -m training.export.qwen2_audio CHECKPOINT OUT`."""
