"""What the project is made of: no secret in the repository, a sound bill of materials, an audit that never lies."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.image.audit import CLEAN, COULD_NOT_LOOK, VULNERABLE, verdict

ROOT = Path(__file__).resolve().parents[2]
SOUND = {"name": "torch", "version": "2", "vulns": []}
WEAK = {"name": "flwr", "version": "1", "vulns": [{"id": "PYSEC-1"}]}
UNKNOWN = {"name": "numpy", "skip_reason": "not found"}


def secrets_in(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "detect_secrets.pre_commit_hook", "--baseline", ROOT / ".secrets.baseline", path]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize("kind", ["OPENSSH ", "EC ", ""])
def test_a_planted_private_key_is_found(tmp_path: Path, kind: str) -> None:
    planted = tmp_path / "notes.md"
    planted.write_text(f"# Notes\n\n-----BEGIN {kind}PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n")  # pragma: allowlist secret
    found = secrets_in(planted)
    assert found.returncode == 1, found.stderr
    assert "Private Key" in found.stdout
    planted.write_text("# Notes\n")
    assert secrets_in(planted).returncode == 0


def test_the_bill_of_materials_is_valid_cyclonedx(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "deploy" / "image" / "sbom.py", tmp_path / "bill.json"], check=True)
    text = (tmp_path / "bill.json").read_text()
    validator = JsonStrictValidator(SchemaVersion.V1_5)
    assert validator.validate_str(text) is None
    broken = json.loads(text) | {"components": [{"name": "no type"}]}
    assert validator.validate_str(json.dumps(broken)) is not None, "the validator refuses something"


@pytest.mark.parametrize(
    ("found", "code", "words"),
    [
        ([SOUND], CLEAN, "1 dependencies looked up"),
        ([SOUND, WEAK, UNKNOWN], VULNERABLE, "flwr 1: PYSEC-1"),
        ([SOUND, UNKNOWN], COULD_NOT_LOOK, "1 of 2 dependencies are not known to the service"),
        ([], COULD_NOT_LOOK, "could not look"),
    ],
)
def test_an_audit_that_could_not_look_is_not_called_clean(found: list[object], code: int, words: str) -> None:
    got, told = verdict(json.dumps({"dependencies": found}), "")
    assert got == code
    assert words in told


def test_an_audit_without_an_answer_says_why() -> None:
    code, told = verdict("", "Traceback\nConnectionError: name not known\n")
    assert code == COULD_NOT_LOOK
    assert "name not known" in told
