"""Runs begun, followed, resumed and ended from a terminal."""
