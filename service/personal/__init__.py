"""Information about persons: what it is, what is held of somebody, how long, and how it is removed."""
