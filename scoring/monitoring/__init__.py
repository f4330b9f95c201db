"""A model in service: what moved, what came true, who moved, who is treated alike, what to do. Pure."""
