"""Asks an advisory service whether any locked dependency has a known weakness: `make audit`.

    python audit.py LOCK [LOCK...]

Exit code 0: every dependency was looked up and none has one. 1: some have, or a lock cannot be read. 3: could not look.
pip-audit's own code is 0 where the service is unreachable or knows none of the packages; that must not read as clean.
"""

import json
import subprocess
import sys
from typing import Any

CLEAN, VULNERABLE, COULD_NOT_LOOK = 0, 1, 3
TIMEOUT_S = 600


def main() -> None:
    """Look every lock file up; the worst outcome is the exit code."""
    outcomes = [look_up(lock) for lock in sys.argv[1:]]
    if not outcomes:
        sys.exit("audit: found no lock file; expected at least one; name it")
    codes = {code for code, _ in outcomes}
    for lock, (_, told) in zip(sys.argv[1:], outcomes, strict=True):
        sys.stdout.write(f"{lock}: {told}\n")
    sys.exit(VULNERABLE if VULNERABLE in codes else max(codes))


def look_up(lock: str) -> tuple[int, str]:
    """One lock file's outcome and what to say of it."""
    command = [sys.executable, "-m", "pip_audit", "-r", lock, "--disable-pip", "--require-hashes"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return COULD_NOT_LOOK, f"could not look: found no answer in {TIMEOUT_S} s; try again where there is a network"
    return verdict(done.stdout, done.stderr)


def verdict(stdout: str, stderr: str) -> tuple[int, str]:
    """What pip-audit's output means.

    Args:
        stdout: its JSON, empty when it failed.
        stderr: why.

    Returns:
        Exit code, and a sentence.
    """
    try:
        found: list[dict[str, Any]] = json.loads(stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (stderr.strip().splitlines() or ["no output"])[-1][:300]
        return COULD_NOT_LOOK, f"could not look: {reason}; try again where the advisory service can be reached"
    weak = [entry for entry in found if entry.get("vulns")]
    skipped = [entry["name"] for entry in found if "skip_reason" in entry]
    if weak:
        names = "; ".join(
            f"{entry['name']} {entry['version']}: {', '.join(each['id'] for each in entry['vulns'])}" for entry in weak
        )
        return VULNERABLE, f"found {len(weak)} of {len(found)} dependencies with known weaknesses: {names}; update them"
    if skipped or not found:
        unknown = f"{len(skipped)} of {len(found)} dependencies are not known to the service"
        return COULD_NOT_LOOK, f"could not look: {unknown}; try again where the advisory service can be reached"
    return CLEAN, f"{len(found)} dependencies looked up, none with a known weakness"


if __name__ == "__main__":
    main()
