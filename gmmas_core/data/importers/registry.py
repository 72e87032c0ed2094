"""The public data sets that can be imported: one entry each, with what its makers declare about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.data.importers import brats2021
from gmmas_core.data.importers.found import Found


@dataclass(frozen=True, kw_only=True)
class Importer:
    """A data set as its makers describe it.

    Attributes:
        find: (source folder, tables) -> cases; reads names and tables only. Raises DataError for what cannot be it.
        title: the data set's name.
        doi: of the data or of the paper that describes it, "" where there is none.
        licence: as its makers state it.
        label_convention: what the values of its masks mean; key of `conventions.MASK_VALUES`.
        grade_schema: "WHO 2016", "WHO 2021", or "" where it tells no grades.
        tables: what `--table` takes, "" for nothing.
        images: "skull-stripped" or "defaced".
        treatment: "pre-operative", "post-treatment" or "mixed".
    """

    find: Callable[[Path, Sequence[Path]], Found]
    title: str
    doi: str
    licence: str
    label_convention: str
    grade_schema: str = ""
    tables: str = ""
    images: str = "skull-stripped"
    treatment: str = "pre-operative"


IMPORTERS: Mapping[str, Importer] = {
    "brats2021": Importer(
        find=brats2021.find,
        title="BraTS 2021 (RSNA-ASNR-MICCAI), training and validation",
        doi="10.7937/jc8x-9874",
        licence="CC BY 4.0",
        label_convention="brats2021",
        tables="BraTS2021_MappingToTCIA.xlsx: source collection, ids in other data sets, MGMT",
    ),
}
