"""Labels and fixed sentences of the reports in every language.

German and Chinese were read by no native clinician yet.
"""

from collections.abc import Mapping

from client.reading_room.reports.catalogues import (
    de,
    de_measures,
    de_patient,
    en,
    en_measures,
    en_patient,
    zh,
    zh_measures,
    zh_patient,
)

CATALOGUES: Mapping[str, Mapping[str, str]] = {
    "en": {**en.TEXTS, **en_measures.TEXTS, **en_patient.TEXTS},
    "de": {**de.TEXTS, **de_measures.TEXTS, **de_patient.TEXTS},
    "zh": {**zh.TEXTS, **zh_measures.TEXTS, **zh_patient.TEXTS},
}
"""Language -> key -> words; every language has the same keys."""
