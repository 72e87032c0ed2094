"""Whole sentences that hold for every case; the mandatory ones stand in every text for their audience."""

from collections.abc import Iterator

from client.reading_room.writer.fact import CLINICIAN_ONLY, PATIENT_ONLY, Fact, Kind
from client.reading_room.writer.words import word

_STATEMENTS = (
    ("research", CLINICIAN_ONLY, True, ()),
    ("suggestion", CLINICIAN_ONLY, True, ()),
    ("tissue", CLINICIAN_ONLY, True, ()),
    ("only_gliomas", CLINICIAN_ONLY, True, ("metastasis", "lymphoma", "abscess", "demyelination")),
    ("one_time_point", CLINICIAN_ONLY, False, ()),
    ("follow_up", CLINICIAN_ONLY, False, ()),
    ("no_answer", CLINICIAN_ONLY, False, ()),
    ("plain_research", PATIENT_ONLY, True, ()),
    ("plain_suggestion", PATIENT_ONLY, True, ()),
    ("plain_tissue", PATIENT_ONLY, True, ()),
    ("care_team", PATIENT_ONLY, False, ()),
)


def statement_facts(language: str) -> Iterator[Fact]:
    """`statement.research` and its neighbours."""
    for name, audiences, mandatory, mentions in _STATEMENTS:
        yield Fact(
            id=f"statement.{name}",
            kind=Kind.STATEMENT,
            value={"statement": name, "mandatory": mandatory, "mentions": mentions},
            text=word(f"statement.{name}", language),
            audiences=audiences,
        )
