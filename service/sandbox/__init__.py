"""The sandbox: an office of an invented city in which certain firms always behave in a known way (decision 26)."""
