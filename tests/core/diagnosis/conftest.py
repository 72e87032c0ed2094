"""Short ways to write findings on tissue and to check what a line of the table gives."""

from collections.abc import Callable
from typing import Any

import pytest

from gmmas_core.diagnosis.findings import Findings, from_record, from_tissue
from gmmas_core.diagnosis.ids import Basis, Entity, Flag, Qualifier, Reason
from gmmas_core.diagnosis.integrate import integrate

RECORDED = ("age", "location")
Build = Callable[..., Findings]
Line = tuple[str, dict[str, Any], Entity, Qualifier | None, tuple[int, ...], set[Flag]]


@pytest.fixture(scope="session")
def on_tissue() -> Build:
    """Findings from plain values: age and location from the record, everything else from tissue."""

    def build(**values: Any) -> Findings:
        return Findings(
            **{name: (from_record if name in RECORDED else from_tissue)(value) for name, value in values.items()}
        )

    return build


@pytest.fixture(scope="session")
def check_line(on_tissue: Build) -> Callable[[Line], None]:
    """Assert that the findings of a line give its type, qualifier, grades and exactly its flags."""

    def check(line: Line) -> None:
        _, values, entity, qualifier, grades, flags = line
        found = integrate(on_tissue(**values))
        assert (found.entity, found.qualifier, found.grades) == (entity, qualifier, grades)
        assert set(found.flags) == flags
        assert found.basis is (Basis.NOTHING if found.reasons[0] is Reason.NOTHING_DECISIVE else Basis.TISSUE)

    return check
