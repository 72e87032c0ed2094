"""Train, validation, holdout by patient: a pure function of the patient's id, so that no later change leaks a patient.

The guarantee, and what it costs. A patient must never move because *other* patients were added. Then the split of a
patient cannot depend on anybody else (take the table in which nobody else is), so exact quotas per stratum are
impossible; and it must not depend on the patient's own labels either, because those arrive later. What is left, and
done here: every stratum (histology, IDH, 1p/19q, each possibly unknown) is cut at the same thresholds, so each holds
the configured shares in expectation; `imbalances` reports where chance left a class out of the holdout, and the
table's `split` column always wins, so that the site can place patients by hand.

Ids that end in a number are permuted in blocks of ten, as in clinical trials: of any aligned ten consecutive numbers
10 x share (to within one) are held out, whereas plain hashing at a share of 0.2 would leave one site of eight patients
in six without any holdout. A very small site is thus likely, not certain, to hold out somebody; `imbalances` says so
when it does not.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from gmmas_core.types import CLASS_NAMES, UNKNOWN, Task

SPLITS = ("train", "validation", "holdout")
_BLOCK = 10
_TRAILING_NUMBER = re.compile(r"^(.*?)(\d{1,15})$", re.S)
_SALT = "gmmas-fed"

Stratum = tuple[int, int, int]
"""(histology, idh, codel_1p19q) of a patient, UNKNOWN included."""


def assign_splits(
    patients: Sequence[str],
    *,
    holdout_share: float,
    validation_share: float,
    explicit: Mapping[str, str] | None = None,
    salt: str = _SALT,
) -> dict[str, str]:
    """Deal patients to splits.

    Args:
        patients: ids, each once; order is irrelevant.
        holdout_share: expected share of the holdout, in [0, 1).
        validation_share: expected share of the validation split; the sum of both is below 1.
        explicit: patient -> split where the site's table says so; wins over everything.
        salt: another text deals all patients anew.

    Returns:
        patient -> "train", "validation" or "holdout". A patient's split depends on nothing but its own id, its explicit
        split, the shares and the salt: adding, removing, relabelling or reordering others never moves it.
    """
    given = explicit or {}
    dealt: dict[str, str] = {}
    for patient in patients:
        place = position(patient, salt)
        if place < holdout_share:
            drawn = "holdout"
        elif place < holdout_share + validation_share:
            drawn = "validation"
        else:
            drawn = "train"
        dealt[patient] = given.get(patient, drawn)
    return dealt


def position(patient: str, salt: str = _SALT) -> float:
    """Where a patient lies in [0, 1), from the id alone; uniform over ids, spread evenly over consecutive numbers."""
    within = _uniform(f"{salt}/patient/{patient}")
    numbered = _TRAILING_NUMBER.match(patient)
    if numbered is None:
        return within
    block, index = divmod(int(numbered[2]), _BLOCK)
    # The order of ten hash values is a random permutation of the block; it is the same whoever of the ten is present.
    name = f"{salt}/block/{numbered[1]}/{len(numbered[2])}/{block}"
    order = sorted(range(_BLOCK), key=lambda slot: _uniform(f"{name}/{slot}"))
    return (order.index(index) + within) / _BLOCK


def imbalances(
    split_of: Mapping[str, str], stratum_of: Mapping[str, Stratum], *, holdout_share: float
) -> list[tuple[str, str]]:
    """What chance left out, as (found, expected) pairs; empty when the deal serves its purpose.

    A class of a task is left out when the holdout is expected to hold at least one of its patients and holds none.
    """
    found: list[tuple[str, str]] = []
    counts = Counter(split_of.values())
    if split_of and not counts["train"]:
        found.append(("no patient in train", "at least one, else this site can only evaluate"))
    if holdout_share > 0 and len(split_of) >= 2 and not counts["holdout"]:
        found.append((f"no patient in holdout among {len(split_of)}", "at least one"))
        return found
    for place, task in enumerate((Task.HISTOLOGY, Task.IDH, Task.CODEL)):
        known = {patient: stratum[place] for patient, stratum in stratum_of.items() if stratum[place] != UNKNOWN}
        for value, name in enumerate(CLASS_NAMES[task]):
            members = [patient for patient, own in known.items() if own == value]
            expected = len(members) * holdout_share
            if expected >= 1 and not any(split_of[patient] == "holdout" for patient in members):
                found.append(
                    (f"none of {len(members)} patients with {task.value} {name} in holdout", f"about {expected:.0f}")
                )
    return found


def _uniform(text: str) -> float:
    """[0, 1) from a text; the same on every machine and in every Python."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:7], "big") / 2**56
