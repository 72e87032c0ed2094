"""Hydra groups, importable so that a checkout and a wheel carry the same YAML."""
