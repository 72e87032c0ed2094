"""What the reading room remembers: an SQLite file without any pixel in it, and the study folders beside it."""
