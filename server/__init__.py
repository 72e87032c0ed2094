"""The coordinator's side; it has no image code path."""

from gmmas_core import quiet

# Before any module of this package imports Flower, which reads its settings once.
quiet.apply()
