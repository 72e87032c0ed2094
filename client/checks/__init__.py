"""What is wrong with a site folder, all of it at once: table, folders, every file, and between cases."""
