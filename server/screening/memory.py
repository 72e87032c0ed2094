"""What the screening remembers of earlier rounds; part of every checkpoint."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class ScreenMemory:
    """The coordinator's experience with the sites of one run.

    Attributes:
        norms: paces of accepted updates (`Suspicion.pace`), newest last, at most `screening.window`.
        offences: site -> rounds in a row in which it was left out for what it sent.
        quarantined: site -> why it is no longer asked.
    """

    norms: list[float] = field(default_factory=list)
    offences: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "ScreenMemory":
        """The inverse of `to_json`; {} gives an empty memory."""
        return ScreenMemory(**values)
