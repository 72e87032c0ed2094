"""English words for every id of this package: the only file with sentences for a reader. Another language is a file
with the same keys.

Braces hold what the code fills in. No sentence advises a treatment or speaks of "your" tumour.
"""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    # types
    "entity.oligodendroglioma_idh_mutant_codeleted": "Oligodendroglioma, IDH-mutant and 1p/19q-codeleted",
    "entity.astrocytoma_idh_mutant": "Astrocytoma, IDH-mutant",
    "entity.glioblastoma_idh_wildtype": "Glioblastoma, IDH-wildtype",
    "entity.diffuse_midline_glioma_h3_k27_altered": "Diffuse midline glioma, H3 K27-altered",
    "entity.diffuse_hemispheric_glioma_h3_g34_mutant": "Diffuse hemispheric glioma, H3 G34-mutant",
    "entity.diffuse_glioma_idh_mutant": "Diffuse glioma, IDH-mutant",
    "entity.diffuse_glioma_idh_wildtype": "Diffuse astrocytic glioma, IDH-wildtype",
    "entity.idh_wildtype_group": "Glioblastoma or another diffuse glioma, IDH-wildtype",
    "entity.oligodendroglioma": "Oligodendroglioma",
    "entity.astrocytoma": "Astrocytoma",
    "entity.glioblastoma": "Glioblastoma",
    "entity.diffuse_glioma": "Diffuse glioma",
    # qualifiers and bases
    "qualifier.nos": "NOS",
    "qualifier.nec": "NEC",
    "basis.tissue": "based on tissue",
    "basis.imaging": "suggested by imaging, not a diagnosis",
    "basis.nothing": "no finding decides the type",
    # how the parts are put together
    "frame.imaging": "Imaging-suggested: {name}",
    "frame.qualified": "{name}, {qualifier}",
    "frame.grade": "CNS WHO grade {grade}",
    "frame.grade_range": "CNS WHO grade {grades}, not settled",
    "frame.no_grade": "CNS WHO grade not stated",
    "frame.or": "{first} or {last}",
    "frame.finding": "{marker}: {value}",
    "frame.from_imaging": "{value} (suggested by imaging)",
    "frame.from_imaging_probability": "{value} (suggested by imaging, probability {percent} %)",
    "frame.from_imaging_given_mutant": "{value} (suggested by imaging, probability {percent} % if IDH is mutant)",
    # layers
    "layer.integrated": "Integrated diagnosis",
    "layer.histology": "Histological type",
    "layer.grade": "CNS WHO grade",
    "layer.molecular": "Molecular information",
    # states
    "state.unknown": "not known",
    "state.not_assessable": "not assessable",
    # markers and their values
    "marker.histology": "Histology",
    "marker.grade": "Grade given by the pathologist",
    "marker.idh": "IDH",
    "marker.codel": "1p/19q",
    "marker.mgmt": "MGMT promoter",
    "marker.atrx": "ATRX loss or mutation",
    "marker.cdkn2a": "CDKN2A/B homozygous deletion",
    "marker.tert": "TERT promoter mutation",
    "marker.egfr": "EGFR amplification",
    "marker.chr7_10": "Gain of chromosome 7 with loss of chromosome 10",
    "marker.h3": "Histone H3",
    "marker.proliferation": "Microvascular proliferation",
    "marker.necrosis": "Necrosis under the microscope",
    "marker.location": "Location",
    "marker.age": "Age at diagnosis, years",
    "value.histology.oligodendroglioma": "oligodendroglioma",
    "value.histology.astrocytoma": "astrocytoma",
    "value.histology.glioblastoma": "glioblastoma",
    "value.histology.oligoastrocytoma": "oligoastrocytoma",
    "value.histology.lower_grade": "lower-grade diffuse glioma",
    "value.idh.mutant": "mutant",
    "value.idh.wildtype": "wildtype",
    "value.codel.codeleted": "codeleted",
    "value.codel.intact": "not codeleted",
    "value.codel.partial": "partial deletion",
    "value.mgmt.methylated": "methylated",
    "value.mgmt.unmethylated": "unmethylated",
    "value.h3.wildtype": "wildtype",
    "value.h3.k27": "K27-altered",
    "value.h3.g34": "G34-mutant",
    "value.alteration.present": "present",
    "value.alteration.absent": "absent",
    "value.location.midline": "midline",
    "value.location.hemisphere": "cerebral hemisphere",
    # flags
    "flag.imaging_suggested": (
        "This is an imaging suggestion and not a diagnosis; the type and the grade are established on tissue."
    ),
    "flag.imaging_set_aside": ("The IDH status suggested by imaging contradicts a result on tissue and was not used."),
    "flag.uncalibrated": "The probabilities were not calibrated; they may be far from observed frequencies.",
    "flag.idh_untested": "IDH status is not known; no integrated diagnosis is possible without it.",
    "flag.codel_untested": (
        "1p/19q status is not known; astrocytoma and oligodendroglioma cannot be told apart without it."
    ),
    "flag.codel_partial": (
        "A partial deletion of 1p or 19q is not the whole-arm codeletion that defines oligodendroglioma; it is read as "
        "not codeleted."
    ),
    "flag.codel_without_idh": (
        "The 1p/19q result is not compatible with this IDH status under WHO CNS5 unless an IDH mutation is shown: a "
        "partial deletion or an assay artefact is likely. The type follows IDH."
    ),
    "flag.cdkn2a_untested": (
        "CDKN2A/B is not known; a homozygous deletion would make this CNS WHO grade 4 whatever the histology."
    ),
    "flag.cdkn2a_in_oligodendroglioma": (
        "A CDKN2A/B homozygous deletion is read here as grade 3; its weight in oligodendroglioma is less certain than "
        "in astrocytoma."
    ),
    "flag.h3_untested": "Histone H3 is not known; glioblastoma, IDH-wildtype requires H3 wildtype.",
    "flag.h3_untested_midline": "A midline tumour without an H3 result: an H3 K27-altered glioma is not excluded.",
    "flag.h3_with_idh_mutation": (
        "An H3 alteration beside an IDH mutation fits no WHO type; one of the results needs confirmation."
    ),
    "flag.k27_location_unknown": "Diffuse midline glioma requires a midline location, which is not recorded here.",
    "flag.k27_outside_midline": (
        "An H3 K27 alteration outside the midline does not meet the definition of diffuse midline glioma."
    ),
    "flag.glioblastoma_markers_untested": (
        "No criterion of glioblastoma is shown and not all are excluded: microvascular proliferation, necrosis, TERT "
        "promoter mutation, EGFR amplification, +7/-10."
    ),
    "flag.glioblastoma_molecular_only": (
        "Glioblastoma by molecular criteria alone: neither microvascular proliferation nor necrosis is shown."
    ),
    "flag.glioblastoma_tert_only": (
        "A TERT promoter mutation is the only criterion shown; cIMPACT-NOW update 11 (2025) asks for caution when such "
        "a tumour looks low-grade under the microscope."
    ),
    "flag.criterion_not_named": (
        "The histology is given as glioblastoma without naming its criterion; microvascular proliferation or necrosis "
        "is taken as implied."
    ),
    "flag.idh_sequencing_advised": (
        "IDH-wildtype below 55 years or with a grade of 2 or 3: if only an IDH1 R132H stain was done, other IDH1 and "
        "IDH2 mutations are not excluded."
    ),
    "flag.pediatric_type": "This is a paediatric-type diffuse high-grade glioma; it also occurs in adults.",
    "flag.consider_pediatric_type": (
        "The adult types do not fit; paediatric-type and circumscribed gliomas are to be considered."
    ),
    "flag.under_18": "Below 18 years: the adult types, and a model trained on adults, apply with reserve.",
    "flag.histology_discordant": (
        "Histology and molecular results point to different types; the molecular result decides under WHO CNS5."
    ),
    "flag.atrx_with_codeletion": (
        "ATRX loss and 1p/19q codeletion practically exclude each other; one of the results needs confirmation."
    ),
    "flag.retired_oligoastrocytoma": "Oligoastrocytoma is no longer a WHO type; IDH and 1p/19q decide.",
    "flag.retired_mutant_glioblastoma": (
        "IDH-mutant glioblastoma is no longer a WHO type; it is astrocytoma, IDH-mutant, grade 4 where the criteria "
        "hold."
    ),
    "flag.grade_overridden": "The grade that the pathologist gave differs from the one that follows from the criteria.",
    "flag.grade_without_criteria": (
        "A grade 4 or the word glioblastoma was given, and every criterion for it was tested and is absent."
    ),
    "flag.oligodendroglioma_grade_4": "Oligodendroglioma is CNS WHO grade 2 or 3; a grade 4 was given.",
    # reasons
    "reason.mutant_and_codeleted": "IDH is mutant, and 1p and 19q are codeleted.",
    "reason.mutant_and_intact": "IDH is mutant, and 1p/19q is not codeleted.",
    "reason.mutant_and_atrx_lost": "IDH is mutant and ATRX is lost, which stands for 1p/19q that is not known.",
    "reason.mutant_only": "IDH is mutant; neither 1p/19q nor ATRX tells which type.",
    "reason.wildtype_with_criterion": "IDH is wildtype, and at least one criterion of glioblastoma is shown.",
    "reason.wildtype_looks_like_glioblastoma": (
        "IDH is wildtype and imaging resembles glioblastoma; no criterion on tissue is known."
    ),
    "reason.wildtype_without_criterion": "IDH is wildtype, and all five criteria of glioblastoma are absent.",
    "reason.wildtype_criteria_missing": "IDH is wildtype; the criteria of glioblastoma are not all known.",
    "reason.wildtype_not_adult": "IDH is wildtype below 18 years, where glioblastoma is not diagnosed.",
    "reason.h3_altered": "Histone H3 is altered.",
    "reason.results_contradict": "The results are known and together fit no WHO type.",
    "reason.histology_only": "Histology alone is known.",
    "reason.nothing_decisive": "No result that decides the type is known.",
    "reason.grade_by_definition": "This type is always CNS WHO grade 4.",
    "reason.grade_by_criteria": (
        "The grade follows from microvascular proliferation, necrosis or CDKN2A/B homozygous deletion."
    ),
    "reason.grade_as_given": "The grade is the pathologist's.",
    "reason.grade_capped": "A grade 4 was given; the highest that this type has is 3.",
    "reason.grade_range": "No grade was given; the range is what this type can have.",
    "reason.grade_not_given": "No grade can be stated.",
    "reason.grade_not_from_imaging": "A WHO grade is never taken from images.",
    "reason.abstained": "The model did not commit to an answer.",
    "reason.not_asked": "This model does not answer the question.",
    "reason.needs_idh": "It can only be read together with IDH.",
    "reason.no_outline": "No tumour was outlined, so there is no place to read from.",
    # tests
    "test.tissue": "Tissue: histology, IDH, and 1p/19q where IDH is mutant",
    "test.idh": "IDH1 R132H immunohistochemistry, sequencing of IDH1 and IDH2 where negative",
    "test.idh_sequencing": "Sequencing of IDH1 codon 132 and IDH2 codon 172",
    "test.codel_whole_arm": "1p/19q by an assay that sees whole arms (copy-number or methylation array)",
    "test.cdkn2a": "CDKN2A/B copy number",
    "test.h3": "H3 K27 and H3 G34 by immunohistochemistry or sequencing",
    "test.tert": "TERT promoter sequencing",
    "test.egfr": "EGFR copy number",
    "test.chr7_10": "Copy number of chromosomes 7 and 10",
    "test.atrx": "ATRX immunohistochemistry",
    "test.methylation": "DNA methylation profiling",
    # population figures
    "measure.one_year_survival": "Alive one year after diagnosis: {value} %",
    "measure.median_survival": "Median survival: {value} months",
    "population.ncdb_2018": (
        "{num} people with a diffuse glioma diagnosed in 2018 and molecular results, United States National Cancer "
        "Database; all types together"
    ),
    "population.london_2011_2015": (
        "{num} patients with glioblastoma at one centre in London, 2011 to 2015, before WHO CNS5; a few were IDH-mutant"
    ),
    "subgroup.all": "all patients of this type",
    "subgroup.mgmt_methylated": "MGMT promoter methylated",
    "subgroup.mgmt_unmethylated": "MGMT promoter unmethylated",
    "subgroup.standard_chemoradiation": "who received standard chemoradiotherapy",
    "subgroup.other_adjuvant": "who received other chemo- or radiotherapy",
    "subgroup.no_further_treatment": "who received no further treatment after surgery or biopsy",
    "caveat.population": (
        "A figure of a group of other people. It does not say how long one person will live; the sources disagree "
        "because they select their patients differently."
    ),
}
