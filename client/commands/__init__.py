"""What a hospital types: one file per group of `gmmas-site` commands, each with `register(app)`."""
