"""The Flower app as `flwr run` sees it: a pyproject.toml that names our two apps, and nothing else."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where `flwr run` finds it, in a checkout and in a wheel."""
