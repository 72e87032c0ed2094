"""One scan in two cases: the same voxels, or the same picture cropped, scaled or turned."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from client.quality_page.stored import Examined
from gmmas_core.quality import Check, Rules, Verdict
from gmmas_core.quality.scan_likeness import alike
from gmmas_core.types import SEQUENCES

ID = "same_scan"
_NAMED = 5
"""Other cases that a case's checks name: a thousand cases with one empty image would name a million."""


def same_scans(examined: Sequence[Examined], rules: Rules) -> Mapping[str, tuple[Check, ...]]:
    """Case -> what it shares with other cases; a check of each pair stands in both cases, a pass where there is none.

    The same voxels are found under any two sequences' names, a like picture under the same name only.
    """
    found: dict[str, dict[str, dict[str, float | None]]] = defaultdict(lambda: defaultdict(dict))
    holders: dict[bytes, list[tuple[int, str]]] = defaultdict(list)
    for place, one in enumerate(examined):
        for sequence, digest in one.report.digests.items():
            holders[digest].append((place, sequence))
    for holder in holders.values():
        for place, sequence in holder:
            for other, _ in holder:
                if other != place:
                    found[examined[place].case_id][examined[other].case_id][sequence] = None
    least = rules[ID].warn if rules[ID].warn is not None else rules[ID].fail
    for sequence in SEQUENCES if least is not None else ():
        there = [one for one in examined if sequence in one.thumbnails]
        for i, k, likeness in alike([one.thumbnails[sequence] for one in there], least or 0.0):
            pair = there[i].case_id, there[k].case_id
            for case, other_case in (pair, pair[::-1]):
                found[case][other_case].setdefault(sequence, likeness)
    patients = {one.case_id: one.patient_id for one in examined}
    return {one.case_id: _checks(one, found.get(one.case_id, {}), patients, rules) for one in examined}


def _checks(
    one: Examined, shared: Mapping[str, Mapping[str, float | None]], patients: Mapping[str, str], rules: Rules
) -> tuple[Check, ...]:
    if not shared:
        passed = Check(id=ID, verdict=Verdict.PASS, found="no other case like it", expected="none", action="")
        return (passed,) if one.thumbnails else ()
    checks = sorted(
        (
            _check(other, likeness, patients[other] == one.patient_id, rules)
            for other, likeness in sorted(shared.items())
        ),
        key=lambda check: check.verdict is not Verdict.FAIL,
    )
    named, more = checks[:_NAMED], len(checks) - _NAMED
    if more > 0:
        named[-1] = replace(named[-1], found=f"{named[-1].found}, and {more} cases more")
    return tuple(named)


def _check(other: str, likeness: Mapping[str, float | None], same_patient: bool, rules: Rules) -> Check:
    whose = "the same patient" if same_patient else "another patient"
    exact = [sequence for sequence, value in likeness.items() if value is None]
    if exact:
        return Check(
            id=ID,
            verdict=Verdict.FAIL,
            found=f"the same voxels as in case {other} of {whose}",
            expected="every scan in one case",
            action="one patient twice, or a file copied by mistake: take one of the two out",
            where=", ".join(exact),
        )
    closest = max(value for value in likeness.values() if value is not None)
    return Check(
        id=ID,
        verdict=rules[ID].verdict(closest),
        found=f"a picture like that of case {other} of {whose} (correlation {closest:.3f})",
        expected="every scan in one case",
        action="look at both: one patient may be there twice, exported anew",
        where=", ".join(likeness),
    )
