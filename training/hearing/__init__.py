"""Hearing: what the pocket model knows of an audio: Whisper's states, its words, and the bridge into the LLM."""
