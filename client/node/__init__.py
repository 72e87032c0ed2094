"""The hospital's node: started, kept alive, watched, paused, and its logs."""
