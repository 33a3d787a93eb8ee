"""Tests of the export on tiny random models, against torch and transformers."""
