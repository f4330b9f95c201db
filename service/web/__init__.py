"""What stands around every request: limits, strict bodies, problems, logs and counts."""
