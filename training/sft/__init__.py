"""Instruction tuning: the LLM's adapter, the acoustic projector and the marker embeddings, trained together."""
