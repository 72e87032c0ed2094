"""Why a text of a language model may not be shown."""

from dataclasses import dataclass

WHOLE = -1
"""`sentence` of a problem that no single sentence has."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that the facts do not allow.

    Attributes:
        kind: short name for the log and the score, e.g. "side", "negation", "placeholder".
        sentence: index within the reply, or WHOLE.
        words: what was found, cut short; never more than the reply itself held.
    """

    kind: str
    sentence: int
    words: str

    def __str__(self) -> str:
        place = "the reply" if self.sentence == WHOLE else f"sentence {self.sentence + 1}"
        return f"{self.kind} in {place}: {self.words}"
