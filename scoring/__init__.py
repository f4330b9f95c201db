"""Records to profile to scores to snapshot. Pure functions over values, arrays and SQL text; no I/O."""
