"""A federation and its runs, copied while they work, and brought back."""
