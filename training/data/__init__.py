"""Corpora: texts, spoken sentences, sounds, noise, and the grammars that write questions and answers."""
