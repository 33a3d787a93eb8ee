"""A tiny Qwen2-Audio of random weights with the true structure, and what transformers computes with it."""
