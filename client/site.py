"""site.yaml: who this hospital is, where its data lies, what it allows; the coordinator cannot see or override it.

Reading lists every problem at once and refuses unknown keys: a mistyped `cohort_flor` must not weaken a policy.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from client.policy.limits import LEGAL, Limits, are_limits
from client.policy.privacy import PrivacyPolicy, privacy_of, privacy_problems
from client.policy.quality import Moved, moved_of, quality_problems
from gmmas_core.atomic import write_text
from gmmas_core.data.labels import LABEL_CONVENTIONS
from gmmas_core.types import DataError

SITE_FILE = "site.yaml"
DEVICES = ("auto", "cpu", "cuda")
MAX_BYTES = 2**20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_HOURS = re.compile(r"(([01][0-9]|2[0-3]):[0-5][0-9])-(([01][0-9]|2[0-3]):[0-5][0-9])")
_NAME_LEGAL = "1 to 64 letters, digits, dashes or underscores"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A hospital's own settings.

    Attributes:
        name: known to the coordinator.
        folder: where participants.tsv and the case folders lie.
        state: where everything lies that must survive (prepared cases, replies, ledgers); may be absent yet.
        label_convention: of the masks, key of LABEL_CONVENTIONS.
        device: "auto", "cpu" or "cuda".
        threads: CPU threads for computing, at least 1.
        cohort_floor: fewest patients about whom anything may leave the site.
        allowed_stages: names of the stages this site takes part in, or None for all.
        training_hours: "HH:MM-HH:MM" of this machine's day in which it trains, or None for always.
        limits: the most that a coordinator may ask for.
        gpu_memory_share: of the card's memory, above 0 up to 1.
        min_free_disk_gb: GiB without which no round is begun.
        log_megabytes: that the logs of events and of failures may each take, old ones included.
        privacy: what is demanded beyond the floor.
        quality: thresholds of `gmmas-site check --page` that this site moved.
    """

    name: str
    folder: Path
    state: Path
    label_convention: str
    device: str
    threads: int
    cohort_floor: int
    allowed_stages: tuple[str, ...] | None
    training_hours: str | None = None
    limits: Limits = field(default_factory=Limits)
    gpu_memory_share: float = 1.0
    min_free_disk_gb: float = 1.0
    log_megabytes: float = 20.0
    privacy: PrivacyPolicy = field(default_factory=PrivacyPolicy)
    quality: Moved = field(default_factory=dict)


def read_site(path: Path) -> Site:
    """Read a site's settings.

    Args:
        path: of site.yaml or of the folder that holds it.

    Returns:
        Site with absolute paths; `data` and `state` are taken relative to the folder of site.yaml.

    Raises:
        DataError: no readable site.yaml, or every unknown key, missing key and bad value in it.
    """
    file = path / SITE_FILE if path.is_dir() else path
    values = _parse(file)
    problems = _unknown_keys(values)
    for key, check in _KEYS.items():
        if key not in values and key in _REQUIRED:
            problems.append(f"found no {key}; expected {check.legal}; add it")
        elif key in values and not check.holds(values[key]):
            problems.append(f"{key}: found {_shown(values[key])}; expected {check.legal}; correct it")
    if isinstance(values.get("privacy"), Mapping):
        problems += privacy_problems(values["privacy"])
    if isinstance(values.get("quality"), Mapping):
        problems += quality_problems(values["quality"])
    home = Path(os.path.abspath(file.parent))
    if not problems and not os.path.isdir(home / values.get("data", ".")):
        problems.append("data: found no such folder; expected the folder with participants.tsv; correct it")
    if problems:
        raise DataError("\n".join(f"{SITE_FILE}: {problem}" for problem in problems))
    stages = values.get("allowed_stages")
    return Site(
        name=values["site"],
        folder=Path(os.path.abspath(home / values.get("data", "."))),
        state=Path(os.path.abspath(home / values.get("state", ".gmmas"))),
        label_convention=values["label_convention"],
        device=values.get("device", "auto"),
        threads=values.get("threads", 0) or os.cpu_count() or 1,
        cohort_floor=values.get("cohort_floor", 5),
        allowed_stages=None if stages is None else tuple(stages),
        training_hours=values.get("training_hours"),
        limits=Limits(**values.get("limits", {})),
        privacy=privacy_of(values.get("privacy", {})),
        quality=moved_of(values.get("quality", {})),
        **{key: float(values[key]) for key in _AMOUNTS if key in values},
    )


def require_name(name: str) -> None:
    """Raise a DataError unless a site may be called so."""
    if not _NAME.fullmatch(name):
        raise DataError(f"site: found {_shown(name)}; expected {_NAME_LEGAL}; correct it")


def write_site(
    folder: Path,
    name: str,
    label_convention: str,
    *,
    cohort_floor: int = 5,
    device: str = "auto",
    comment: str = "",
) -> Site:
    """Write a new site.yaml; an existing one is never touched.

    Args:
        folder: that will hold site.yaml; its cases lie beside the file.
        name: of the hospital.
        label_convention: of its masks.
        cohort_floor: see Site.
        device: see Site.
        comment: one line on top, e.g. why a floor is low.

    Raises:
        DataError: a bad value, or there is a site.yaml already.
    """
    file = folder / SITE_FILE
    if file.exists():
        raise DataError(f"{SITE_FILE}: found one already; expected none; edit it, or remove it to start again")
    values = {"site": name, "label_convention": label_convention, "device": device, "cohort_floor": cohort_floor}
    bad = [
        f"{SITE_FILE}: {key}: found {_shown(v)}; expected {_KEYS[key].legal}; correct it"
        for key, v in values.items()
        if not _KEYS[key].holds(v)
    ]
    if bad:
        raise DataError("\n".join(bad))
    lines = [f"# {comment}"] if comment else []
    write_text(file, "\n".join([*lines, _TEMPLATE.format(**values)]))
    return read_site(file)


_TEMPLATE = """\
site: {site}
label_convention: {label_convention}  # of the masks
device: {device}  # auto, cpu or cuda
cohort_floor: {cohort_floor}  # nothing about fewer patients than this leaves the site
# threads: 8  # CPU threads for computing; all when absent
# state: .gmmas  # prepared cases and everything that must survive; relative to this file
# data: .  # folder of participants.tsv and the case folders; relative to this file
# allowed_stages: [supervised]  # stages this site takes part in; all when absent
# training_hours: 20:00-06:00  # trains only then, by this machine's clock; always when absent
# limits: {{local_steps: 10000, batch_size: 64}}  # the most a coordinator may ask for; client/README.md has them all
# gpu_memory_share: 0.5  # of the card's memory; all when absent
# min_free_disk_gb: 1  # no round is begun with less
# log_megabytes: 20  # for events.jsonl, and again for failures.log, old ones included
# privacy: {{epsilon: 8, noise_multiplier: 1.1, secure_sum: required}}  # client/README.md has them all
# quality: {{slice_thickness: {{warn: 6}}}}  # thresholds of check --page alone; client/README.md says where all are
"""


@dataclass(frozen=True)
class _Check:
    legal: str
    holds: Callable[[Any], bool]


def _shown(value: Any) -> str:
    """A value in few words; nested YAML aliases can stand for gigabytes of text."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a mapping"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_count(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_amount(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 4096 and value.isprintable()


def _is_names(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) <= 100 and all(isinstance(x, str) and _NAME.fullmatch(x) for x in value)
    )


_KEYS: Mapping[str, _Check] = {
    "site": _Check(_NAME_LEGAL, lambda value: isinstance(value, str) and _NAME.fullmatch(value) is not None),
    "label_convention": _Check(
        f"one of {', '.join(LABEL_CONVENTIONS)}", lambda value: isinstance(value, str) and value in LABEL_CONVENTIONS
    ),
    "data": _Check("a folder", _is_path),
    "state": _Check("a folder", _is_path),
    "device": _Check(f"one of {', '.join(DEVICES)}", lambda value: isinstance(value, str) and value in DEVICES),
    "threads": _Check("a whole number from 0 (all) to 1024", lambda value: _is_count(value, 0, 1024)),
    "cohort_floor": _Check("a whole number from 1 to 100000", lambda value: _is_count(value, 1, 100_000)),
    "training_hours": _Check(
        "HH:MM-HH:MM, e.g. 20:00-06:00", lambda value: isinstance(value, str) and _HOURS.fullmatch(value) is not None
    ),
    "allowed_stages": _Check("a list of stage names, or no such key for all", _is_names),
    "limits": _Check(LEGAL, are_limits),
    "gpu_memory_share": _Check("a number from 0.01 to 1", lambda value: _is_amount(value, 0.01, 1)),
    "min_free_disk_gb": _Check("a number from 0 to 100000", lambda value: _is_amount(value, 0, 100_000)),
    "privacy": _Check("'name: value' lines", lambda value: isinstance(value, Mapping)),
    "quality": _Check("'threshold: {warn: number, fail: number}' lines", lambda value: isinstance(value, Mapping)),
    "log_megabytes": _Check("a number from 1 to 10000", lambda value: _is_amount(value, 1, 10_000)),
}
_AMOUNTS = ("gpu_memory_share", "min_free_disk_gb", "log_megabytes")
_REQUIRED = ("site", "label_convention")


class _OneKeyLoader(yaml.SafeLoader):
    """YAML lets a key appear twice and keeps the last; in a policy that is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if len(keys) != len({str(key) for key in keys}):
            raise yaml.constructor.ConstructorError(None, None, "a key appears twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _parse(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise DataError(
                f"{SITE_FILE}: found more than 1 MB; expected a few lines; check that this is the right file"
            )
        values = yaml.load(file.read_text(encoding="utf-8-sig"), Loader=_OneKeyLoader)
    except OSError:
        raise DataError(f"{SITE_FILE}: found no readable file; expected a site folder; run gmmas-site init") from None
    except UnicodeDecodeError:
        raise DataError(f"{SITE_FILE}: found bytes that are not UTF-8; expected UTF-8 text; save it again") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or "no valid YAML"
        raise DataError(f"{SITE_FILE}{line}: found {reason}; expected 'key: value' lines; correct it") from None
    if not isinstance(values, dict):
        raise DataError(f"{SITE_FILE}: found no 'key: value' lines; expected site and label_convention; add them")
    return values


def _unknown_keys(values: Mapping[Any, Any]) -> list[str]:
    valid = ", ".join(_KEYS)
    unknown = [key for key in values if key not in _KEYS]
    return [f"found unknown key {_shown(key)}; expected any of {valid}; correct or remove it" for key in unknown]
