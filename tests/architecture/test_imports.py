"""What may touch what: the dependency rules of the house, read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gmmas_core", "server", "client")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(path: Path) -> str:
    """A file as a dotted module name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def is_under(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("path", FILES, ids=room_of)
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    room, names = room_of(path), list(imports_of(path))
    is_lab = is_under(room, "server.lab")
    if is_under(room, "gmmas_core"):
        assert not [name for name in names if is_under(name, "server", "client")]
        if not is_under(room, "gmmas_core.config"):
            assert not [name for name in names if is_under(name, "hydra", "omegaconf")]
        if not is_under(room, "gmmas_core.wire"):
            assert not [name for name in names if is_under(name, "flwr")]
        assert not [name for name in names if is_under(name, "fastapi", "uvicorn", "httpx", "requests")]
    if is_under(room, "server") and not is_lab:
        assert not [name for name in names if is_under(name, "client")]
        assert not [
            name for name in names if is_under(name, "gmmas_core.data", "gmmas_core.training", "gmmas_core.inference")
        ]
    if is_under(room, "client"):
        assert not [name for name in names if is_under(name, "server")]
    if not is_lab:
        assert not [name for name in names if is_under(name, "server.lab")]
    if is_under(room, "client.reading_room"):
        assert not [name for name in names if is_under(name, "client.app")]


def test_the_coordinator_never_loads_an_image_reader(tmp_path: Path) -> None:
    """Importing the whole server app in a fresh interpreter loads no image code, however indirect."""
    import subprocess
    import sys

    code = (
        "import sys, server.app; bad = [m for m in sys.modules if m == 'nibabel' "
        "or m.startswith(('gmmas_core.data', 'gmmas_core.training', 'gmmas_core.inference', 'client'))]; print(bad)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", FILES, ids=room_of)
def test_no_pickle_no_eval_no_code_from_configs(path: Path) -> None:
    text = path.read_text()
    names = list(imports_of(path))
    assert not [name for name in names if is_under(name, "pickle", "cloudpickle", "dill", "shelve", "joblib")]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "compile", "__import__"), f"line {node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            assert called not in ("torch.load", "hydra.utils.instantiate"), f"line {node.lineno}"
            if called in ("np.load", "numpy.load"):
                assert any(
                    keyword.arg == "allow_pickle" and ast.unparse(keyword.value) == "False" for keyword in node.keywords
                ), f"line {node.lineno}: np.load without allow_pickle=False"


@pytest.mark.parametrize("path", FILES, ids=room_of)
def test_a_file_stays_readable(path: Path) -> None:
    assert path.read_text().count("\n") <= 300, "split it along an idea"


@pytest.mark.parametrize("path", [*FILES, *sorted((ROOT / "configs").rglob("*.yaml"))], ids=lambda path: path.name)
def test_no_path_of_a_developers_machine(path: Path) -> None:
    text = path.read_text()
    assert not [part for part in ("/home/", "/root/", "/Users/", "/work/", "/tmp/") if part in text]
