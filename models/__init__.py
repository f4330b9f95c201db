"""Nouns of the product: value types with no I/O and no dependency outside the standard library."""
