"""Scores under watch, and the firms drawn for a look by hand."""
