"""Measurements on recordings, voices and kinds of message that nothing was trained on."""
