"""Torch weights from the committed packs, so that training can go on where only `models/` is left."""
