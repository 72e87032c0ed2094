"""Cases of every shape, measured, ranked and integrated by the code that does it for patients."""

import json
import random
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from client.predicting.findings import suggestions
from client.reading_room.writer.settings import WriterSettings, writer_settings
from gmmas_core.data.grid import Volume
from gmmas_core.diagnosis import Diagnosis, integrate, ranked_diagnoses, with_imaging
from gmmas_core.diagnosis.findings import Findings, from_tissue
from gmmas_core.diagnosis.markers import Alteration, Codel, Histology, Idh, Marker, Mgmt
from gmmas_core.inference.assessability import not_assessable
from gmmas_core.measures import Doubt, measure_case
from gmmas_core.types import REGIONS, SEQUENCES, CaseResult, Task

NUM_CASES = 240
NUM_MEASURED = 30  # combinations of shape, sequences and passes; measuring is what takes time
EDGE, SIZE = 4.0, 40
Mask = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A result on tissue, as the store keeps it."""

    value: str


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A decision."""

    kind: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a Record holds that may be told, and from which parts it was made."""

    name: str
    document: Mapping[str, Any]
    diagnosis: Diagnosis
    pathology: Mapping[Marker, Entry] = field(default_factory=dict)
    decision: Decided | None = None


def _ball(centre_xyz: tuple[float, float, float], radius: float) -> NDArray[np.bool_]:
    """Voxels within a radius of a place given in voxels from the middle, X to the right."""
    grid = np.indices((SIZE,) * 3) - SIZE / 2 + 0.5
    return np.asarray(sum((axis - c) ** 2 for axis, c in zip(grid, centre_xyz, strict=True)) <= radius**2)


def _nested(*places: tuple[float, float, float], radius: float = 5.0, enhancing: bool = True) -> Mask:
    seg = np.zeros((SIZE,) * 3, dtype=np.uint8)
    for label, share in ((2, 1.0), (3 if enhancing else 1, 0.65), (1, 0.35)):
        for place in places:
            seg[_ball(place, radius * share)] = label
    return seg


@cache
def shapes() -> Mapping[str, Mask]:
    """Name -> segmentation."""
    return {
        "right": _nested((8, 0, 2)),
        "left": _nested((-8, 0, 2)),
        "butterfly": _nested((-4.5, 2, 0), (4.5, 2, 0), radius=5.5),
        "midline": _nested((0, 0, 0), radius=1.5),
        "many": _nested((8, 6, 2), (-8, -4, 2), (7, -6, 0), radius=3.5),
        "dark": _nested((8, 0, 0), enhancing=False),
        "small": _nested((9, 0, 0), radius=1.0, enhancing=False),
        "none": np.zeros((SIZE,) * 3, dtype=np.uint8),
    }


@cache
def images() -> Mapping[str, Volume]:
    """A head whose halves are alike, in four sequences."""
    rng = np.random.default_rng(0)
    texture = ndimage.gaussian_filter(rng.normal(size=(SIZE,) * 3), 1.5)
    texture = texture + texture[::-1]
    brain = _ball((0, 0, 0), 17)
    affine = np.diag([EDGE, EDGE, EDGE, 1.0])
    affine[:3, 3] = -(SIZE - 1) / 2 * EDGE
    return {
        name: Volume(((100 + 40 * texture / texture.std() + shift) * brain).astype(np.float32), affine)
        for name, shift in zip(SEQUENCES, (0.0, 5.0, 30.0, 15.0), strict=True)
    }


SUBSETS = tuple(
    tuple(name for bit, name in enumerate(SEQUENCES) if number >> bit & 1) for number in range(15, 0, -1)
)  # all four first
PROBABILITIES: tuple[tuple[float, float, float], ...] = (  # histology, idh, codel: every order of the three types
    (0.97, 0.03, 0.01),  # wildtype, astrocytoma, oligodendroglioma
    (0.80, 0.30, 0.20),  # wildtype, oligodendroglioma, astrocytoma
    (0.20, 0.90, 0.15),  # astrocytoma, oligodendroglioma, wildtype
    (0.40, 0.70, 0.10),  # astrocytoma, wildtype, oligodendroglioma
    (0.10, 0.97, 0.90),  # oligodendroglioma, astrocytoma, wildtype
    (0.30, 0.60, 0.55),  # oligodendroglioma, wildtype, astrocytoma
    (0.50, 0.50, 0.25),
    (0.9999, 0.0001, 0.0),
    (0.0, 1.0, 1.0),
)
ABSTAINED: tuple[tuple[Task, ...], ...] = ((), (Task.CODEL,), (Task.IDH,), (Task.HISTOLOGY,), tuple(Task))
TISSUE: tuple[Mapping[Marker, Any], ...] = (
    {},
    {Marker.IDH: Idh.WILDTYPE, Marker.TERT: Alteration.PRESENT},
    {Marker.IDH: Idh.MUTANT, Marker.CODEL: Codel.CODELETED},
    {Marker.IDH: Idh.MUTANT, Marker.CODEL: Codel.INTACT, Marker.CDKN2A: Alteration.PRESENT},
    {Marker.HISTOLOGY: Histology.OLIGOASTROCYTOMA, Marker.MGMT: Mgmt.METHYLATED},
    {Marker.IDH: Idh.WILDTYPE, Marker.CODEL: Codel.CODELETED, Marker.GRADE: 4},
)
CHECKS: tuple[tuple[Mapping[str, str], ...], ...] = (
    (),
    ({"id": "slice_thickness", "verdict": "warn", "where": "t1"}, {"id": "skull", "verdict": "fail", "where": "t1"}),
    ({"id": "slice_thickness", "verdict": "warn", "where": "t2"}, {"id": "noise", "verdict": "warn", "where": "flair"}),
    (
        {"id": "duplicates", "verdict": "warn", "where": "t1 and t1c"},
        {"id": "brand_new", "verdict": "warn", "where": ""},
    ),
    ({"id": "symmetry", "verdict": "pass", "where": ""}, {"id": "fluid", "verdict": "not assessable", "where": "t1"}),
)
GRAVEST = {"pass": 0, "not assessable": 1, "warn": 2, "fail": 3}


@cache
def measured(shape: str, used: tuple[str, ...], passes: bool) -> Mapping[str, Any]:
    """`measures` of a document."""
    seg, here = shapes()[shape], images()
    affine = here["t1"].affine_44
    blocked = not_assessable(used)
    result = CaseResult(
        case_id="a1b2",
        seg_XYZ=seg,
        affine_44=affine,
        volume_ml=dict.fromkeys(REGIONS),
        probability={},
        epistemic={},
        aleatoric={},
        region_uncertainty={},
        region_epistemic={},
        region_aleatoric={},
        sequences_used=used,
        sequences_missing=tuple(name for name in SEQUENCES if name not in used),
        not_assessable=blocked,
        abstained={} if seg.any() else {"segmentation": "no tumour was found"},
        model_id="m",
    )
    doubt = None
    if passes and seg.any():
        labels = {"wt": (1, 2, 3), "tc": (1, 3), "et": (3,), "necrosis": (1,), "edema": (2,)}
        ml = {
            name: np.isin(seg, values).sum() * EDGE**3 / 1000 for name, values in labels.items() if name not in blocked
        }
        doubt = Doubt(passes_ml={name: [0.7 * v, v, 1.6 * v] for name, v in ml.items()})
    plain: Mapping[str, Any] = _plain(asdict(measure_case(result, here, doubt)))
    return plain


def _plain(value: Any) -> Any:
    """As a findings file holds it."""
    return json.loads(json.dumps(value, default=lambda number: number.item()))


def make_case(
    name: str = "plain",
    *,
    shape: str = "right",
    used: tuple[str, ...] = SEQUENCES,
    chances: tuple[float, float, float] = PROBABILITIES[0],
    abstained: tuple[Task, ...] = (),
    calibrated: bool = True,
    passes: bool = True,
    tissue: Mapping[Marker, Any] | None = None,
    checks: tuple[Mapping[str, str], ...] = (),
    corrected: bool = False,
    decision: str = "",
) -> Case:
    """One case; every part of it is named by a parameter."""
    probability = dict(zip((Task.HISTOLOGY, Task.IDH, Task.CODEL), chances, strict=True))
    known = tuple(task for task in probability if calibrated)
    silent: dict[str, str] = dict.fromkeys(abstained, "ensemble disagreement")
    if shape == "none":
        silent = {"segmentation": "no tumour was found", **silent}
    draws = {task: [0.8 * value, 0.9 * value, value] for task, value in probability.items()} if passes else None
    ranking = ranked_diagnoses(probability, draws=draws, abstained=tuple(silent), calibrated=known)
    without = [
        {
            "sequence": sequence,
            "probability": {},
            "probability_change": dict.fromkeys(probability, 0.1 - 0.05 * number),
            "volume_ml": {},
            "dice": {},
            "not_assessable": {},
            "first_type": ranking.candidates[number % 2].entity if ranking.candidates else None,
            "first_type_changes": bool(ranking.candidates) and number % 2 == 1,
        }
        for number, sequence in enumerate(used if len(used) > 1 else ())
    ]
    document = {
        "case_id": "a1b2",
        "sequences_used": list(used),
        "sequences_missing": [each for each in SEQUENCES if each not in used],
        "abstained": silent,
        "probability": {task.value: value for task, value in probability.items()},
        "calibrated": [task.value for task in known],
        "intervals": {
            task.value: {"low": 0.8 * value, "high": value, "num_passes": 3} for task, value in probability.items()
        }
        if passes
        else {},
        "reading": {"mc_passes": 3 if passes else 0},
        "verdict": max((check["verdict"] for check in checks), key=GRAVEST.__getitem__, default="pass"),
        "checks": [{"found": "x", "expected": "y", "action": "z", **check} for check in checks],
        "measures": measured(shape, used, passes),
        "suggested": _plain(suggestions(ranking)),
        "without": without,
        "corrected": {"by": "secretname", "mask": True, "labels": {"idh": 1}, "from_revision": 1, "note": "secretnote"}
        if corrected
        else None,
    }
    results = tissue or {}
    findings = replace(Findings(), **{marker.value: from_tissue(value) for marker, value in results.items()})
    return Case(
        name=name,
        document=document,
        diagnosis=integrate(with_imaging(findings, probability, abstained=tuple(silent))),
        pathology={marker: Entry(value=str(value)) for marker, value in results.items()},
        decision=Decided(kind=decision) if decision else None,
    )


@cache
def all_cases() -> tuple[Case, ...]:
    """Varied cases: every value of every parameter many times, in chance combinations that are always the same."""
    rng = random.Random(0)
    names, cases = list(shapes()), []
    for number in range(NUM_CASES):
        measures = number % NUM_MEASURED
        cases.append(
            make_case(
                f"case {number}",
                shape=names[measures % len(names)],
                used=SUBSETS[measures % len(SUBSETS)],
                chances=rng.choice(PROBABILITIES),
                abstained=rng.choice((*ABSTAINED, (), ())),
                calibrated=rng.random() < 0.5,
                passes=measures % 2 == 0,
                tissue=rng.choice((*TISSUE, {})),
                checks=rng.choice(CHECKS),
                corrected=rng.random() < 0.3,
                decision=rng.choice(("", "", "signed", "rejected")),
            )
        )
    return tuple(cases)


@pytest.fixture(scope="session")
def cases() -> tuple[Case, ...]:
    """NUM_CASES varied cases."""
    return all_cases()


@pytest.fixture(scope="session")
def case() -> Any:
    """Makes one case; see `make_case`."""
    return make_case


SERVER = Path(__file__).parents[1] / "scripted_server.py"


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """The scripted model server, running."""

    port: int

    def settings(self, mode: str, **values: Any) -> WriterSettings:
        """Of an endpoint that behaves in this way."""
        return writer_settings({"endpoint": f"http://127.0.0.1:{self.port}/{mode}/v1", "model": "m:7b", **values})

    def received(self, mode: str) -> list[dict[str, Any]]:
        """What it was sent under this mode, oldest first."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/log") as answer:
            return [each for each in json.load(answer) if each["mode"] == mode]


@pytest.fixture(scope="session")
def scripted() -> Iterator[Scripted]:
    """A process of its own that speaks OpenAI's protocol; see scripted_server.py."""
    command = [sys.executable, str(SERVER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Scripted(port=int(process.stdout.readline()))
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that is taken and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(scope="session")
def endpoint_case() -> Case:
    """A case of which much can be said: a sequence is missing, nothing is calibrated, two checks warn."""
    return make_case(used=("t1", "t1c", "flair"), calibrated=False, checks=CHECKS[2])
