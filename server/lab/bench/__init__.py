"""Measurements: ours beside its peers on the same input in one run; `command.py` is `gmmas-lab bench`."""
