"""The public data sets that can be imported: one entry each, with what its makers declare about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.data.importers import (
    bids,
    brats2020,
    brats2021,
    brats_gli,
    egd,
    fets2022,
    grades,
    msd,
    tcga,
    ucsf_pdgm,
    upenn_gbm,
    utsw_glioma,
)
from gmmas_core.data.importers.found import Found


@dataclass(frozen=True, kw_only=True)
class Importer:
    """A data set as its makers describe it.

    Attributes:
        find: (source folder, tables) -> cases; reads names and tables only. Raises DataError for what cannot be it.
        title: the data set's name.
        doi: of the data or of the paper that describes it, "" where there is none.
        licence: as its makers state it.
        label_convention: what the values of its masks mean; key of `conventions.MASK_VALUES`, or "" where the data set
            does not say and the person must.
        grade_schema: "WHO 2016", "WHO 2021", "WHO, edition not stated", or "" where it tells no grades.
        tables: what `--table` takes, "" for nothing.
        images: "skull-stripped" or "defaced".
        treatment: "pre-operative", "post-treatment" or "not stated".
        is_federation: a table of it deals the cases to real institutions: one site folder each.
        statement: one paragraph that a person must read before using it, "" for none.
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
    is_federation: bool = False
    statement: str = ""


IMPORTERS: Mapping[str, Importer] = {
    "brats2020": Importer(
        find=brats2020.find,
        title="BraTS 2020, training and validation",
        doi="10.48550/arXiv.1811.02629",
        licence="BraTS data usage agreement (registration; cite, do not redistribute)",
        label_convention="brats2021",
        grade_schema="WHO 2016",
        tables="name_mapping.csv (HGG or LGG, TCGA ids) and survival_info.csv (age); found in the tree by themselves",
    ),
    "brats2021": Importer(
        find=brats2021.find,
        title="BraTS 2021 (RSNA-ASNR-MICCAI), training and validation",
        doi="10.7937/jc8x-9874",
        licence="CC BY 4.0",
        label_convention="brats2021",
        tables="BraTS2021_MappingToTCIA.xlsx: source collection, ids in other data sets, MGMT",
        statement="Hundreds of its cases are also in UCSF-PDGM, UPENN-GBM and TCGA, under other ids: where those are "
        "imported too, name their site folders with --also, and this table with --crosswalk.",
    ),
    "brats2023": Importer(
        find=brats_gli.find_before_treatment,
        title="BraTS 2023 to 2025 adult glioma before treatment (BraTS-GLI-PPPPP-0TT)",
        doi="10.48550/arXiv.2305.17033",
        licence="BraTS data usage agreement (registration; cite, do not redistribute)",
        label_convention="brats2023",
        statement="The people are those of BraTS 2021 and FeTS 2022 under new numbers that no public table ties to the "
        "old ones: never put both into one federation.",
    ),
    "brats2024-post": Importer(
        find=brats_gli.find_after_treatment,
        title="BraTS 2024 and 2025 adult glioma after treatment (BraTS-GLI-PPPPP-1TT)",
        doi="10.48550/arXiv.2405.18368",
        licence="BraTS data usage agreement (registration; cite, do not redistribute)",
        label_convention="brats2024_post",
        treatment="post-treatment",
        statement="After treatment: the resection cavity (4) is written as background, since no tumour region contains "
        "it, and edema (2) includes changes by treatment. The model is made for gliomas before surgery: results on "
        "these cases are no evidence for it, and they are kept apart from such cases.",
    ),
    "fets2022": Importer(
        find=fets2022.find,
        title="FeTS 2022: BraTS 2021's training cases by institution",
        doi="10.48550/arXiv.2105.05874",
        licence="FeTS challenge data usage agreement (registration; cite, do not redistribute)",
        label_convention="brats2021",
        tables="partitioning_1.csv (23 institutions) or partitioning_2.csv (33): one site folder per institution",
        is_federation=True,
        statement="Institutions with fewer training cases than the cohort floor of 5 in their site.yaml send nothing; "
        "for public data it may be lowered, as the lab's data.partition=fets does.",
    ),
    "msd": Importer(
        find=msd.find,
        title="Medical Segmentation Decathlon, Task01_BrainTumour",
        doi="10.1038/s41467-022-30695-9",
        licence="CC BY-SA 4.0",
        label_convention="msd",
        statement="Its cases come from BraTS 2016 and 2017 under new names: some of BraTS 2020, BraTS 2021 and TCGA "
        "are here again, and no public table says which.",
    ),
    "bids": Importer(
        find=bids.find,
        title="Any data set in BIDS",
        doi="",
        licence="its own",
        label_convention="",
        tables="a participants.tsv instead of the tree's own",
        images="as they are",
        treatment="not stated",
    ),
    "ucsf-pdgm": Importer(
        find=ucsf_pdgm.find,
        title="UCSF-PDGM, v2 to v5",
        doi="10.7937/tcia.bdgf-8v37",
        licence="CC BY 4.0",
        label_convention="brats2021",
        grade_schema="WHO 2021",
        tables=ucsf_pdgm.TABLE,
        statement=grades.ONE_CLASS,
    ),
    "upenn-gbm": Importer(
        find=upenn_gbm.find_before_treatment,
        title="UPENN-GBM before surgery (_11)",
        doi="10.7937/TCIA.709X-DN49",
        licence="CC BY 4.0",
        label_convention="brats2021",
        grade_schema="WHO 2016",
        tables=upenn_gbm.TABLE,
        statement="Every patient has a glioblastoma, so the histology label has one class here.",
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
        statement="Before a second surgery, after treatment, and without masks. The model is made for gliomas before "
        "surgery: results on these cases are no evidence for it, and they are kept apart from such cases.",
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
        statement="Defaced, not skull-stripped, and with masks of the whole lesion only, which are not used. Its "
        "licence forbids passing any of it on.",
    ),
    "utsw-glioma": Importer(
        find=utsw_glioma.find,
        title="UTSW-Glioma",
        doi="10.7937/DFAE-1B86",
        licence="CC BY 4.0",
        label_convention=utsw_glioma.CONVENTION,
        grade_schema="WHO, edition not stated",
        tables=utsw_glioma.TABLE,
        statement=grades.ONE_CLASS,
    ),
}
