"""What a run leaves on disk: its folder, checkpoints, progress, curves; and whether they still hold."""
