"""Searching firms: checks, facets, and what of a result may be told to whoever may not know the firms."""
