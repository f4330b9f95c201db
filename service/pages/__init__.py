"""HTML pages. They work without scripts."""
