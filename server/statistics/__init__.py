"""The coordinator's side of statistics before training: ask, compare, advise, report."""
