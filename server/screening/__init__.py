"""Is an update fit to be counted, and if not, why; what is remembered of its site."""
