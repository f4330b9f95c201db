"""Who may see what, and how they prove who they are."""
