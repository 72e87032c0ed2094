"""German words for every id of this package, with the same keys as `texts_en.py`.

Names of types follow the German usage of WHO CNS5; genes and assays keep their names. No native clinician has read
this file yet.
"""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    # types
    "entity.oligodendroglioma_idh_mutant_codeleted": "Oligodendrogliom, IDH-mutiert und 1p/19q-kodeletiert",
    "entity.astrocytoma_idh_mutant": "Astrozytom, IDH-mutiert",
    "entity.glioblastoma_idh_wildtype": "Glioblastom, IDH-Wildtyp",
    "entity.diffuse_midline_glioma_h3_k27_altered": "Diffuses Mittelliniengliom, H3-K27-alteriert",
    "entity.diffuse_hemispheric_glioma_h3_g34_mutant": "Diffuses hemisphärisches Gliom, H3-G34-mutiert",
    "entity.diffuse_glioma_idh_mutant": "Diffuses Gliom, IDH-mutiert",
    "entity.diffuse_glioma_idh_wildtype": "Diffuses astrozytäres Gliom, IDH-Wildtyp",
    "entity.idh_wildtype_group": "Glioblastom oder ein anderes diffuses Gliom, IDH-Wildtyp",
    "entity.oligodendroglioma": "Oligodendrogliom",
    "entity.astrocytoma": "Astrozytom",
    "entity.glioblastoma": "Glioblastom",
    "entity.diffuse_glioma": "Diffuses Gliom",
    # qualifiers and bases
    "qualifier.nos": "NOS",
    "qualifier.nec": "NEC",
    "basis.tissue": "anhand von Gewebe",
    "basis.imaging": "durch Bildgebung nahegelegt, keine Diagnose",
    "basis.nothing": "kein Befund legt den Typ fest",
    # how the parts are put together
    "frame.imaging": "Durch Bildgebung nahegelegt: {name}",
    "frame.qualified": "{name}, {qualifier}",
    "frame.grade": "ZNS-WHO-Grad {grade}",
    "frame.grade_range": "ZNS-WHO-Grad {grades}, nicht festgelegt",
    "frame.no_grade": "ZNS-WHO-Grad nicht angegeben",
    "frame.or": "{first} oder {last}",
    "frame.finding": "{marker}: {value}",
    "frame.from_imaging": "{value} (durch Bildgebung nahegelegt)",
    "frame.from_imaging_probability": "{value} (durch Bildgebung nahegelegt, Wahrscheinlichkeit {percent} %)",
    "frame.from_imaging_given_mutant": (
        "{value} (durch Bildgebung nahegelegt, Wahrscheinlichkeit {percent} %, falls IDH mutiert ist)"
    ),
    # layers
    "layer.integrated": "Integrierte Diagnose",
    "layer.histology": "Histologischer Typ",
    "layer.grade": "ZNS-WHO-Grad",
    "layer.molecular": "Molekulare Angaben",
    # states
    "state.unknown": "nicht bekannt",
    "state.not_assessable": "nicht beurteilbar",
    # markers and their values
    "marker.histology": "Histologie",
    "marker.grade": "Grad laut Pathologie",
    "marker.idh": "IDH",
    "marker.codel": "1p/19q",
    "marker.mgmt": "MGMT-Promotor",
    "marker.atrx": "ATRX-Verlust oder -Mutation",
    "marker.cdkn2a": "Homozygote Deletion von CDKN2A/B",
    "marker.tert": "TERT-Promotor-Mutation",
    "marker.egfr": "EGFR-Amplifikation",
    "marker.chr7_10": "Zugewinn von Chromosom 7 mit Verlust von Chromosom 10",
    "marker.h3": "Histon H3",
    "marker.proliferation": "Mikrovaskuläre Proliferation",
    "marker.necrosis": "Nekrose unter dem Mikroskop",
    "marker.location": "Lage",
    "marker.age": "Alter bei Diagnose, Jahre",
    "value.histology.oligodendroglioma": "Oligodendrogliom",
    "value.histology.astrocytoma": "Astrozytom",
    "value.histology.glioblastoma": "Glioblastom",
    "value.histology.oligoastrocytoma": "Oligoastrozytom",
    "value.histology.lower_grade": "diffuses Gliom niedrigeren Grades",
    "value.idh.mutant": "mutiert",
    "value.idh.wildtype": "Wildtyp",
    "value.codel.codeleted": "kodeletiert",
    "value.codel.intact": "nicht kodeletiert",
    "value.codel.partial": "partielle Deletion",
    "value.mgmt.methylated": "methyliert",
    "value.mgmt.unmethylated": "nicht methyliert",
    "value.h3.wildtype": "Wildtyp",
    "value.h3.k27": "K27-alteriert",
    "value.h3.g34": "G34-mutiert",
    "value.alteration.present": "vorhanden",
    "value.alteration.absent": "nicht vorhanden",
    "value.location.midline": "Mittellinie",
    "value.location.hemisphere": "Großhirnhemisphäre",
    # flags
    "flag.imaging_suggested": (
        "Dies ist ein Hinweis aus der Bildgebung und keine Diagnose; Typ und Grad werden am Gewebe bestimmt."
    ),
    "flag.imaging_set_aside": (
        "Der durch Bildgebung nahegelegte IDH-Status widerspricht einem Ergebnis am Gewebe und wurde nicht verwendet."
    ),
    "flag.uncalibrated": (
        "Die Wahrscheinlichkeiten wurden nicht kalibriert; sie können weit von beobachteten Häufigkeiten abweichen."
    ),
    "flag.idh_untested": "Der IDH-Status ist nicht bekannt; ohne ihn ist keine integrierte Diagnose möglich.",
    "flag.codel_untested": (
        "Der 1p/19q-Status ist nicht bekannt; Astrozytom und Oligodendrogliom lassen sich ohne ihn nicht unterscheiden."
    ),
    "flag.codel_partial": (
        "Eine partielle Deletion von 1p oder 19q ist nicht die Kodeletion ganzer Arme, die das Oligodendrogliom "
        "definiert; sie wird als nicht kodeletiert gewertet."
    ),
    "flag.codel_without_idh": (
        "Das 1p/19q-Ergebnis ist nach WHO CNS5 mit diesem IDH-Status nicht vereinbar, solange keine IDH-Mutation "
        "nachgewiesen ist: Eine partielle Deletion oder ein Artefakt des Verfahrens ist wahrscheinlich. Der Typ "
        "richtet sich nach IDH."
    ),
    "flag.cdkn2a_untested": (
        "CDKN2A/B ist nicht bekannt; eine homozygote Deletion ergäbe ZNS-WHO-Grad 4 unabhängig von der Histologie."
    ),
    "flag.cdkn2a_in_oligodendroglioma": (
        "Eine homozygote Deletion von CDKN2A/B wird hier als Grad 3 gewertet; ihr Gewicht beim Oligodendrogliom ist "
        "weniger gesichert als beim Astrozytom."
    ),
    "flag.h3_untested": "Histon H3 ist nicht bekannt; das Glioblastom, IDH-Wildtyp, setzt H3-Wildtyp voraus.",
    "flag.h3_untested_midline": (
        "Ein Tumor der Mittellinie ohne H3-Ergebnis: Ein H3-K27-alteriertes Gliom ist nicht ausgeschlossen."
    ),
    "flag.h3_with_idh_mutation": (
        "Eine H3-Alteration neben einer IDH-Mutation passt zu keinem WHO-Typ; eines der Ergebnisse muss bestätigt "
        "werden."
    ),
    "flag.k27_location_unknown": (
        "Das diffuse Mittelliniengliom setzt eine Lage in der Mittellinie voraus; sie ist hier nicht angegeben."
    ),
    "flag.k27_outside_midline": (
        "Eine H3-K27-Alteration außerhalb der Mittellinie erfüllt die Kriterien für ein diffuses Mittelliniengliom "
        "nicht."
    ),
    "flag.glioblastoma_markers_untested": (
        "Kein Kriterium des Glioblastoms ist nachgewiesen, und nicht alle sind ausgeschlossen: mikrovaskuläre "
        "Proliferation, Nekrose, TERT-Promotor-Mutation, EGFR-Amplifikation, +7/-10."
    ),
    "flag.glioblastoma_molecular_only": (
        "Glioblastom allein nach molekularen Kriterien: Weder mikrovaskuläre Proliferation noch Nekrose ist "
        "nachgewiesen."
    ),
    "flag.glioblastoma_tert_only": (
        "Eine TERT-Promotor-Mutation ist das einzige nachgewiesene Kriterium; cIMPACT-NOW update 11 (2025) mahnt zur "
        "Vorsicht, wenn ein solcher Tumor unter dem Mikroskop niedriggradig erscheint."
    ),
    "flag.criterion_not_named": (
        "Die Histologie ist als Glioblastom angegeben, ohne das Kriterium zu nennen; mikrovaskuläre Proliferation "
        "oder Nekrose gilt als mitgemeint."
    ),
    "flag.idh_sequencing_advised": (
        "IDH-Wildtyp unter 55 Jahren oder mit Grad 2 oder 3: Wurde nur IDH1 R132H gefärbt, sind andere Mutationen "
        "von IDH1 und IDH2 nicht ausgeschlossen."
    ),
    "flag.pediatric_type": (
        "Dies ist ein diffuses hochgradiges Gliom vom pädiatrischen Typ; es kommt auch bei Erwachsenen vor."
    ),
    "flag.consider_pediatric_type": (
        "Die Typen des Erwachsenenalters passen nicht; Gliome vom pädiatrischen Typ und umschriebene Gliome kommen "
        "in Betracht."
    ),
    "flag.under_18": (
        "Unter 18 Jahren: Die Typen des Erwachsenenalters und ein an Erwachsenen trainiertes Modell gelten nur mit "
        "Vorbehalt."
    ),
    "flag.histology_discordant": (
        "Histologie und molekulare Ergebnisse weisen auf verschiedene Typen; nach WHO CNS5 entscheidet das "
        "molekulare Ergebnis."
    ),
    "flag.atrx_with_codeletion": (
        "ATRX-Verlust und 1p/19q-Kodeletion schließen einander praktisch aus; eines der Ergebnisse muss bestätigt "
        "werden."
    ),
    "flag.retired_oligoastrocytoma": "Das Oligoastrozytom ist kein WHO-Typ mehr; IDH und 1p/19q entscheiden.",
    "flag.retired_mutant_glioblastoma": (
        "Das IDH-mutierte Glioblastom ist kein WHO-Typ mehr; es ist ein Astrozytom, IDH-mutiert, Grad 4, wo die "
        "Kriterien erfüllt sind."
    ),
    "flag.grade_overridden": (
        "Der Grad laut Pathologie unterscheidet sich von dem, der sich aus den Kriterien ergibt."
    ),
    "flag.grade_without_criteria": (
        "Grad 4 oder das Wort Glioblastom ist angegeben, und jedes Kriterium dafür wurde geprüft und fehlt."
    ),
    "flag.oligodendroglioma_grade_4": ("Das Oligodendrogliom hat den ZNS-WHO-Grad 2 oder 3; angegeben wurde Grad 4."),
    # reasons
    "reason.mutant_and_codeleted": "IDH ist mutiert, und 1p und 19q sind kodeletiert.",
    "reason.mutant_and_intact": "IDH ist mutiert, und 1p/19q ist nicht kodeletiert.",
    "reason.mutant_and_atrx_lost": ("IDH ist mutiert und ATRX verloren; das steht für 1p/19q, das nicht bekannt ist."),
    "reason.mutant_only": "IDH ist mutiert; weder 1p/19q noch ATRX zeigt, welcher Typ es ist.",
    "reason.wildtype_with_criterion": (
        "IDH ist Wildtyp, und mindestens ein Kriterium des Glioblastoms ist nachgewiesen."
    ),
    "reason.wildtype_looks_like_glioblastoma": (
        "IDH ist Wildtyp, und die Bildgebung ähnelt einem Glioblastom; kein Kriterium am Gewebe ist bekannt."
    ),
    "reason.wildtype_without_criterion": "IDH ist Wildtyp, und alle fünf Kriterien des Glioblastoms fehlen.",
    "reason.wildtype_criteria_missing": ("IDH ist Wildtyp; die Kriterien des Glioblastoms sind nicht alle bekannt."),
    "reason.wildtype_not_adult": (
        "IDH ist Wildtyp unter 18 Jahren; in diesem Alter wird kein Glioblastom diagnostiziert."
    ),
    "reason.h3_altered": "Histon H3 ist verändert.",
    "reason.results_contradict": "Die Ergebnisse sind bekannt und passen zusammen zu keinem WHO-Typ.",
    "reason.histology_only": "Nur die Histologie ist bekannt.",
    "reason.nothing_decisive": "Kein Ergebnis, das den Typ festlegt, ist bekannt.",
    "reason.grade_by_definition": "Dieser Typ hat immer den ZNS-WHO-Grad 4.",
    "reason.grade_by_criteria": (
        "Der Grad folgt aus mikrovaskulärer Proliferation, Nekrose oder homozygoter Deletion von CDKN2A/B."
    ),
    "reason.grade_as_given": "Der Grad ist der laut Pathologie.",
    "reason.grade_capped": "Angegeben wurde Grad 4; der höchste, den dieser Typ hat, ist 3.",
    "reason.grade_range": "Kein Grad ist angegeben; der Bereich ist, was dieser Typ haben kann.",
    "reason.grade_not_given": "Es lässt sich kein Grad angeben.",
    "reason.grade_not_from_imaging": "Ein WHO-Grad wird nie aus Bildern abgelesen.",
    "reason.abstained": "Das Modell hat sich auf keine Antwort festgelegt.",
    "reason.not_asked": "Dieses Modell beantwortet die Frage nicht.",
    "reason.needs_idh": "Es lässt sich nur zusammen mit IDH lesen.",
    "reason.no_outline": "Es wurde kein Tumor umrissen; daher gibt es keine Stelle, an der abgelesen wird.",
    # tests
    "test.tissue": "Gewebe: Histologie, IDH, und 1p/19q bei mutiertem IDH",
    "test.idh": "Immunhistochemie auf IDH1 R132H, bei negativem Ergebnis Sequenzierung von IDH1 und IDH2",
    "test.idh_sequencing": "Sequenzierung von IDH1 Kodon 132 und IDH2 Kodon 172",
    "test.codel_whole_arm": (
        "1p/19q mit einem Verfahren, das ganze Arme erfasst (Kopienzahl- oder Methylierungsarray)"
    ),
    "test.cdkn2a": "Kopienzahl von CDKN2A/B",
    "test.h3": "H3 K27 und H3 G34 mit Immunhistochemie oder Sequenzierung",
    "test.tert": "Sequenzierung des TERT-Promotors",
    "test.egfr": "Kopienzahl von EGFR",
    "test.chr7_10": "Kopienzahl der Chromosomen 7 und 10",
    "test.atrx": "Immunhistochemie auf ATRX",
    "test.methylation": "DNA-Methylierungsprofil",
    # population figures
    "measure.one_year_survival": "Ein Jahr nach der Diagnose am Leben: {value} %",
    "measure.median_survival": "Medianes Überleben: {value} Monate",
    "population.ncdb_2018": (
        "{num} Menschen mit einem 2018 diagnostizierten diffusen Gliom und molekularen Ergebnissen, United States "
        "National Cancer Database; alle Typen zusammen"
    ),
    "population.london_2011_2015": (
        "{num} Patienten mit Glioblastom an einem Zentrum in London, 2011 bis 2015, vor WHO CNS5; einige waren "
        "IDH-mutiert"
    ),
    "subgroup.all": "alle Patienten dieses Typs",
    "subgroup.mgmt_methylated": "MGMT-Promotor methyliert",
    "subgroup.mgmt_unmethylated": "MGMT-Promotor nicht methyliert",
    "subgroup.standard_chemoradiation": "mit Standard-Radiochemotherapie",
    "subgroup.other_adjuvant": "mit anderer Chemo- oder Strahlentherapie",
    "subgroup.no_further_treatment": "ohne weitere Behandlung nach Operation oder Biopsie",
    "caveat.population": (
        "Die Zahl einer Gruppe anderer Menschen. Sie sagt nicht, wie lange ein einzelner Mensch leben wird; die "
        "Quellen widersprechen sich, weil sie ihre Patienten verschieden auswählen."
    ),
}
