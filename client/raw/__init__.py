"""Raw studies of a hospital into a site folder: sources.py, table.py (who decides what a series is), prepare.py."""
