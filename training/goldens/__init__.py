"""Reference values from Python implementations, for the parity tests of the worker."""
