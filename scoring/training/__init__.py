"""The training set of a default model: who is in it, what happened to them, and how it is split. Pure."""
