"""One thing that may be said of a case, and all of them together.

A writer, whether a template or a language model, says nothing that is not here, and a verifier needs nothing else to
tell whether it did. Numbers are in `value_text` alone, so that no writer ever writes one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = str | int | float | bool | None | tuple[str, ...]
"""What a payload may hold; all of it is plain and language-neutral."""

CLINICIAN, PATIENT = "clinician", "patient"
AUDIENCES = (CLINICIAN, PATIENT)
LANGUAGES = ("en", "de", "zh")
BOTH = frozenset(AUDIENCES)
CLINICIAN_ONLY = frozenset({CLINICIAN})
PATIENT_ONLY = frozenset({PATIENT})


class Kind(StrEnum):
    """What a fact speaks of; each has the same payload keys in every case."""

    SEQUENCE_USED = "sequence_used"  # sequence
    SEQUENCE_MISSING = "sequence_missing"  # sequence
    PASSES = "passes"  # count: stochastic passes made
    TUMOUR = "tumour"  # found: bool
    REGION = "region"  # region, present: bool
    VOLUME = "volume"  # region, ml
    VOLUME_RANGE = "volume_range"  # region, low_ml, high_ml, by: "grid" or "grid and model"
    SHARE = "share"  # part, whole, share
    LENGTH = "length"  # region, measure: longest_3d or products; value, unit
    PIECES = "pieces"  # region, count
    SATELLITES = "satellites"  # count
    SIDE = "side"  # region, side: right, left, both, midline
    CROSSING = "crossing"  # region, crossing: yes, no, open
    MARGIN = "margin"  # mm
    MISMATCH = "mismatch"  # share
    TYPE = "type"  # entity, rank
    TYPE_PROBABILITY = "type_probability"  # entity, rank, probability
    TYPE_RANGE = "type_range"  # entity, rank, low, high
    HISTOLOGY = "histology"  # probability
    HISTOLOGY_RANGE = "histology_range"  # low, high: of glioblastoma by histology together with IDH-wildtype
    TASK = "task"  # task, answer: a class, None where imaging is not sure enough; calibrated: bool
    TASK_PROBABILITY = "task_probability"  # task, of: the class meant, probability; codeleted means with IDH mutation
    TASK_RANGE = "task_range"  # task, of, low, high
    NOT_ASSESSABLE = "not_assessable"  # what, missing: sequences that it needs; reason: an id
    CHECK = "check"  # check, where: sequences; verdict: warn, fail or not_assessable
    VERDICT = "verdict"  # verdict: the gravest
    FLAG = "flag"  # flag: an id of gmmas_core.diagnosis
    TEST = "test"  # test: an id of gmmas_core.diagnosis
    DIAGNOSIS = "diagnosis"  # entity, qualifier, basis
    GRADE = "grade"  # grades: as words; () where none is stated
    REASON = "reason"  # reason: an id of gmmas_core.diagnosis
    PATHOLOGY = "pathology"  # marker, value: what tissue showed
    WITHOUT = "without"  # sequence, changes: whether another type comes first without it; entity: the first then
    CHANGE = "change"  # sequence, task, of, change: of the probability when the sequence is left out
    CORRECTED = "corrected"  # mask: bool, tasks: whose labels a person set
    LABEL = "label"  # task, answer: set by a person
    DECISION = "decision"  # kind: signed or rejected
    STATEMENT = "statement"  # statement, mandatory: bool, mentions: what only it speaks of; `text` is a whole sentence


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing that may be said.

    Attributes:
        id: stable, of a-z, 0-9, ".", "_" and "-"; e.g. "volume.wt".
        kind: tells the keys of `value`.
        value: the payload; never shown, never sent with its numbers.
        text: words for it in the language of its Facts, without the number of `value_text`.
        value_text: its number with unit, rounded as its error allows; "" where it has none.
        audiences: who may read it.
    """

    id: str
    kind: Kind
    value: Mapping[str, Value]
    text: str
    value_text: str = ""
    audiences: frozenset[str] = CLINICIAN_ONLY

    @property
    def filling(self) -> str:
        """What takes the place of `{{id}}` in a sentence: the number, or the words where it has none."""
        return self.value_text or self.text

    @property
    def shown(self) -> str:
        """All of it in one line, for a reader who asks what a sentence rests on."""
        return f"{self.text}: {self.value_text}" if self.value_text else self.text


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that may be said of one case, in one language; ids are unique.

    Attributes:
        language: one of LANGUAGES.
        items: in the order of a report.
    """

    language: str
    items: tuple[Fact, ...]

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.items)

    def __contains__(self, fact_id: str) -> bool:
        return self.find(fact_id) is not None

    def __getitem__(self, fact_id: str) -> Fact:
        fact = self.find(fact_id)
        if fact is None:
            raise KeyError(fact_id)
        return fact

    def find(self, fact_id: str) -> Fact | None:
        """The fact of an id; None where this case has none."""
        return next((fact for fact in self.items if fact.id == fact_id), None)

    def of(self, *kinds: Kind) -> tuple[Fact, ...]:
        """All facts of some kinds."""
        return tuple(fact for fact in self.items if fact.kind in kinds)

    def under(self, prefix: str) -> tuple[Fact, ...]:
        """All facts whose id begins with a prefix and a dot, e.g. "missing"."""
        return tuple(fact for fact in self.items if fact.id.startswith(f"{prefix}."))

    def may_read(self, audience: str) -> "Facts":
        """Those that an audience may read."""
        return Facts(language=self.language, items=tuple(fact for fact in self.items if audience in fact.audiences))

    def mandatory(self, audience: str) -> tuple[str, ...]:
        """Ids of which each must be among the facts of a sentence: what every text says, and every missing sequence."""
        kinds = (Kind.SEQUENCE_MISSING, Kind.STATEMENT)
        wanted = (fact for fact in self.may_read(audience).of(*kinds) if fact.value.get("mandatory", True))
        return tuple(fact.id for fact in wanted)
