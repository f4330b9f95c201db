"""Registered models: their files, signatures, events, and the ones in force."""
