"""Acoustic tokens: what isn't words (sounds, music, voice), two a second, projected from pooled encoder states."""
