"""The catalogue of lies: its frozen half was written before the verifier and is never changed.

`lies/cases.json` describes generated cases by plain facts. `lies/frozen.json` holds sentences that a language model
must not get through: each names its case, its kind, the facts that it claims to rest on and its words; or the mandatory
fact that it leaves out ("drop"), with or without a hollow sentence in its place. `lies/true.json` holds sentences that
a good model would write. Facts are named as in the contract of the writer (volume.wt, type.1, missing.t1c).
"""

import hashlib
import json
from collections import Counter
from pathlib import Path

LIES = Path(__file__).parent / "lies"


def test_the_frozen_half_is_as_it_was_before_the_verifier() -> None:
    manifest = json.loads((LIES / "manifest.json").read_text())
    assert set(manifest) == {"cases.json", "frozen.json", "true.json"}
    for name, expected in manifest.items():
        assert hashlib.sha256((LIES / name).read_bytes()).hexdigest() == expected, name


def test_the_catalogue_is_large_and_varied() -> None:
    cases = json.loads((LIES / "cases.json").read_text())
    lies = json.loads((LIES / "frozen.json").read_text())
    truths = json.loads((LIES / "true.json").read_text())
    kinds = Counter(lie["kind"] for lie in lies)
    assert len(lies) >= 150
    assert len(truths) >= 100
    assert len(kinds) >= 20
    assert min(kinds.values()) >= 6
    assert {each["case"] for each in lies + truths} == set(cases)
    assert {each["audience"] for each in lies + truths} == {"clinician", "patient"}
