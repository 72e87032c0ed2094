"""Whole names of tumour types as phrases, and which short names each of them carries."""

from collections.abc import Mapping

from gmmas_core.diagnosis import text
from gmmas_core.diagnosis.ids import Entity

_VARIANTS: Mapping[Entity, tuple[str, ...]] = {
    Entity.OLIGODENDROGLIOMA: (
        "oligodendroglioma idh mutant and 1p/19q codeleted",
        "idh mutant and 1p/19q codeleted oligodendroglioma",
        "oligodendroglioma with idh mutation and 1p/19q codeletion",
    ),
    Entity.ASTROCYTOMA: (
        "astrocytoma idh mutant",
        "idh mutant astrocytoma",
        "astrocytoma with idh mutation",
        "astrocytoma with an idh mutation",
    ),
    Entity.GLIOBLASTOMA: ("glioblastoma idh wildtype", "idh wildtype glioblastoma"),
    Entity.MUTANT_GLIOMA: ("diffuse glioma idh mutant", "idh mutant diffuse glioma", "idh mutant glioma"),
    Entity.WILDTYPE_GROUP: (
        "glioblastoma or another diffuse glioma idh wildtype",
        "glioblastoma or another idh wildtype diffuse glioma",
        "glioblastoma or another idh wildtype glioma",
        "idh wildtype diffuse glioma",
        "idh wildtype glioma",
    ),
}

NAMES: Mapping[str, str] = {
    phrase: entity.value
    for entity in Entity
    for phrase in (text(entity).lower().replace(",", "").replace("-", " "), *_VARIANTS.get(entity, ()))
    if " " in phrase
}
"""Phrase without commas and hyphens -> id of the type."""

CARRIES: Mapping[str, frozenset[str]] = {
    Entity.OLIGODENDROGLIOMA: frozenset(
        {"entity.oligodendroglioma", "entity.glioma", "marker.idh", "value.mutant", "marker.codel", "value.codeleted"}
    ),
    Entity.ASTROCYTOMA: frozenset({"entity.astrocytoma", "entity.glioma", "marker.idh", "value.mutant"}),
    Entity.GLIOBLASTOMA: frozenset({"entity.glioblastoma", "entity.glioma", "marker.idh", "value.wildtype"}),
    Entity.MUTANT_GLIOMA: frozenset({"entity.glioma", "marker.idh", "value.mutant"}),
    Entity.WILDTYPE_GROUP: frozenset({"entity.glioma", "marker.idh", "value.wildtype"}),
    Entity.WILDTYPE_GLIOMA: frozenset({"entity.glioma", "marker.idh", "value.wildtype"}),
    Entity.OLIGODENDROGLIOMA_BY_HISTOLOGY: frozenset({"entity.oligodendroglioma", "entity.glioma"}),
    Entity.ASTROCYTOMA_BY_HISTOLOGY: frozenset({"entity.astrocytoma", "entity.glioma"}),
    Entity.GLIOBLASTOMA_BY_HISTOLOGY: frozenset({"entity.glioblastoma", "entity.glioma"}),
    Entity.DIFFUSE_GLIOMA: frozenset({"entity.glioma"}),
    Entity.MIDLINE_GLIOMA: frozenset({"entity.glioma", "marker.h3", "marker.k27"}),
    Entity.HEMISPHERIC_GLIOMA: frozenset({"entity.glioma", "marker.h3", "marker.g34", "value.mutant"}),
}
"""Id of a type -> what may be said of a case of which it is said: the wildtype group is not a glioblastoma."""
