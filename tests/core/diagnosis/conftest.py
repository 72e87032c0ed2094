"""One short way to write findings on tissue."""

from collections.abc import Callable
from typing import Any

import pytest

from gmmas_core.diagnosis.findings import Findings, from_record, from_tissue

RECORDED = ("age", "location")
Build = Callable[..., Findings]


@pytest.fixture(scope="session")
def on_tissue() -> Build:
    """Findings from plain values: age and location from the record, everything else from tissue."""

    def build(**values: Any) -> Findings:
        return Findings(
            **{name: (from_record if name in RECORDED else from_tissue)(value) for name, value in values.items()}
        )

    return build
