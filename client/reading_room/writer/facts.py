"""Everything that may be said of a case that was read, gathered from its document, its tissue and its decisions."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from client.reading_room.writer.fact import Fact as Fact
from client.reading_room.writer.fact import Facts as Facts
from client.reading_room.writer.fact import Kind as Kind
from client.reading_room.writer.gather.measures import measure_facts
from client.reading_room.writer.gather.open_questions import open_facts
from client.reading_room.writer.gather.persons import person_facts
from client.reading_room.writer.gather.quality import quality_facts
from client.reading_room.writer.gather.sequences import sequence_facts
from client.reading_room.writer.gather.statements import statement_facts
from client.reading_room.writer.gather.suggestion import suggestion_facts
from client.reading_room.writer.gather.tissue import tissue_facts
from client.reading_room.writer.gather.worth import worth_facts
from gmmas_core.diagnosis import Diagnosis
from gmmas_core.diagnosis.markers import Marker


class Entered(Protocol):
    """One result on tissue."""

    @property
    def value(self) -> str:
        """As the decision table names it."""


class Decided(Protocol):
    """What a clinician decided."""

    @property
    def kind(self) -> str:
        """ "signed" or "rejected"."""


class Told(Protocol):
    """What a Record holds that may be told: findings, never names, dates or notes."""

    @property
    def document(self) -> Mapping[str, Any]:
        """`findings.json`."""

    @property
    def pathology(self) -> Mapping[Marker, Entered]:
        """Results on tissue."""

    @property
    def diagnosis(self) -> Diagnosis:
        """Of tissue completed by imaging."""

    @property
    def decision(self) -> Decided | None:
        """The signature or rejection that stands."""


def facts_of(record: Told, language: str) -> Facts:
    """Everything that may be said of a case.

    Args:
        record: of `open_record`.
        language: one of LANGUAGES.

    Raises:
        ConfigError: a language that does not exist.
    """
    document = record.document
    results = {marker: entry.value for marker, entry in record.pathology.items()}
    parts: Iterable[Iterable[Fact]] = (
        sequence_facts(document, language),
        measure_facts(document, language),
        suggestion_facts(document, language),
        tissue_facts(results, record.diagnosis, has_tumour(document), language),
        open_facts(document, language),
        quality_facts(document, language),
        worth_facts(document, language),
        person_facts(document, record.decision.kind if record.decision else None, language),
        statement_facts(language),
    )
    unique = {fact.id: fact for part in parts for fact in part}
    return Facts(language=language, items=tuple(unique.values()))


def has_tumour(document: Mapping[str, Any]) -> bool:
    """Whether the reading outlined a tumour."""
    return "segmentation" not in document["abstained"]
