"""Published base weights, read from their packages and written as Hugging Face folders."""
