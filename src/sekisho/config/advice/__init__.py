"""Advice on a configuration that loads: what works as written, but surely not as meant."""
