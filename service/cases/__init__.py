"""Objections, repairs and cost lists: what their use cases share."""
