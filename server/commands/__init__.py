"""What the coordinator types: one file per group of `gmmas-coordinator` commands, each with `register(app)`."""
