"""The wheelhouse of an offline bundle: this project and every locked package that a hospital needs, as wheels.

pip finds them as it does when this environment is installed, torch's CPU build included; nothing here knows an index.
The wheels fit this machine's kind and this Python. What pip fetched before comes from its cache.
"""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import InvalidWheelFilename, NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from gmmas_core.types import ConfigError, FederationError

PROJECT = canonicalize_name("gmmas-fed")
CONSTRAINTS = "constraints.txt"
EXTRA = "reading-room"
"""What a hospital runs beyond the node; see pyproject.toml."""
_WORDS = 300

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """One package of the wheelhouse."""

    name: NormalizedName
    version: Version
    sha256: str

    @property
    def requirement(self) -> str:
        """Its line for `pip install --require-hashes`."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def collect(source: Path, wheels: Path, say: Say) -> None:
    """Fill a folder with the project's wheel and those it needs.

    Args:
        source: checkout, with pyproject.toml and constraints.txt.
        wheels: existing and empty.
        say: told what pip is at.

    Raises:
        FederationError: pip could not get or build one of them, or the disk is full.
    """
    say("building this project's wheel")
    _pip(["--no-deps", str(source)], wheels, say)
    _pip(["-c", str(source / CONSTRAINTS), *(f"{path}[{EXTRA}]" for path in wheels.glob("*.whl"))], wheels, say)


def read_wheels(wheels: Path, constraints: Path) -> list[Wheel]:
    """The wheels of a folder, each of which but the project's own has to be locked.

    Raises:
        ConfigError: no project wheel, something that is no wheel, a package twice, or one that is not locked at this
            version; all at once.
    """
    locked = _locked(constraints)
    found: dict[NormalizedName, Wheel] = {}
    problems = []
    for path in sorted(wheels.iterdir()):
        try:
            name, version, _, _ = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            problems.append(f"{path.name} is no wheel")
            continue
        if name in found:
            problems.append(f"{name} is there twice")
        if name != PROJECT and locked.get(name) != Version(version.public):
            problems.append(f"{name} {version} is not locked")
        with path.open("rb") as file:
            found[name] = Wheel(name=name, version=version, sha256=hashlib.file_digest(file, "sha256").hexdigest())
    if PROJECT not in found:
        problems.append(f"{PROJECT} is missing")
    if problems:
        raise ConfigError(
            f"wheels: found that {'; '.join(problems)}; expected this project and what {CONSTRAINTS} locks; correct it"
        )
    return list(found.values())


def _locked(constraints: Path) -> dict[NormalizedName, Version]:
    lines = (line.partition("#")[0].strip().partition("==") for line in constraints.read_text().splitlines())
    return {canonicalize_name(name): Version(version) for name, _, version in lines if version}


def _pip(arguments: Sequence[str], wheels: Path, say: Say) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-input", "--progress-bar", "off", "-w", str(wheels)]
    complaint = ""
    with subprocess.Popen(
        [*command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        for line in pip.stdout or ():
            word, _, what = line.strip().partition(" ")
            if word in ("Collecting", "Building", "Processing"):
                say(f"{word.lower()} {Path(what.split(' ')[0]).name}")
            elif word == "ERROR:" and not complaint:
                complaint = what
    if pip.returncode != 0:
        raise FederationError(
            f"wheels: found that pip gave up ({complaint[:_WORDS] or f'code {pip.returncode}'}); expected every wheel; "
            "see the network, the disk and pip's settings, then give the command again"
        )
