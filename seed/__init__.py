"""What a new office starts with, as data; `seed.city` makes the demo city."""
