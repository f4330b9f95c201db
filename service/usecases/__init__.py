"""One file per verb; each takes the office first and commits once."""
