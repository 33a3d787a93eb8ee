"""Acoustic tokens: what isn't words (sounds, music, voice, room), two a second, projected from pooled encoder states."""
