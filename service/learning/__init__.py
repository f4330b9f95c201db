"""Training sets from the office's records, and validation reports."""
