"""The delta: firms whose records arrived since the build, made again and laid over its snapshot (decision 0025)."""
