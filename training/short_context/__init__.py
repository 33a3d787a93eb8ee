"""Whisper made robust on short contexts, by a distillation that needs no labels."""
