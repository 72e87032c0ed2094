"""Everything that runs inside one hospital."""

from gmmas_core import quiet

# Before any module of this package imports Flower, which reads its settings once.
quiet.apply()
