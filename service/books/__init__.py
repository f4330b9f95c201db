"""What `seed/` says, opened once, and what an answer keeps of it."""
