"""The public data sets that can be imported: one entry each, with what its makers declare about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.data.importers import brats2021, egd, tcga, ucsf_pdgm, upenn_gbm, utsw_glioma
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
    "ucsf-pdgm": Importer(
        find=ucsf_pdgm.find,
        title="UCSF-PDGM, v2 to v5",
        doi="10.7937/tcia.bdgf-8v37",
        licence="CC BY 4.0",
        label_convention="brats2021",
        grade_schema="WHO 2021",
        tables=ucsf_pdgm.TABLE,
    ),
    "upenn-gbm": Importer(
        find=upenn_gbm.find_before_treatment,
        title="UPENN-GBM before surgery (_11)",
        doi="10.7937/TCIA.709X-DN49",
        licence="CC BY 4.0",
        label_convention="brats2021",
        grade_schema="WHO 2016",
        tables=upenn_gbm.TABLE,
    ),
    "upenn-gbm-post": Importer(
        find=upenn_gbm.find_after_treatment,
        title="UPENN-GBM before a second surgery, after treatment (_21)",
        doi="10.7937/TCIA.709X-DN49",
        licence="CC BY 4.0",
        label_convention="brats2021",
        grade_schema="WHO 2016",
        tables=upenn_gbm.TABLE,
        treatment="post-treatment",
    ),
    "tcga": Importer(
        find=tcga.find,
        title="TCGA-GBM and TCGA-LGG before surgery (Bakas 2017)",
        doi="10.1038/sdata.2017.117",
        licence="CC BY 3.0",
        label_convention="brats2021",
        grade_schema="WHO 2016",
        tables=tcga.TABLE,
    ),
    "egd": Importer(
        find=egd.find,
        title="EGD, Erasmus Glioma Database",
        doi="10.1016/j.dib.2021.107191",
        licence="its own; no redistribution",
        label_convention="canonical",
        grade_schema="WHO 2016",
        tables=egd.TABLE,
        images="defaced",
    ),
    "utsw-glioma": Importer(
        find=utsw_glioma.find,
        title="UTSW-Glioma",
        doi="10.7937/DFAE-1B86",
        licence="CC BY 4.0",
        label_convention=utsw_glioma.CONVENTION,
        tables=utsw_glioma.TABLE,
    ),
}
