"""Snapshots: built, opened, kept at hand, and one firm of them scored again."""
