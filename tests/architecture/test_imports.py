"""What may touch what: the dependency rules of the house, read from the source."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gmmas_core", "server", "client")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    """Parsed once, for all rules."""
    return ast.parse(path.read_text())


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """Dotted names a file imports, wherever in the file."""
    names: list[str] = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)


def room_of(path: Path) -> str:
    """A file as a dotted module name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def is_under(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def closed_to(room: str) -> Iterator[str]:
    """Packages that a file of this room may not import."""
    is_lab = is_under(room, "server.lab")
    if is_under(room, "gmmas_core"):
        yield from ("server", "client", "fastapi", "uvicorn", "httpx", "requests")
        if not is_under(room, "gmmas_core.config"):
            yield from ("hydra", "omegaconf")
        if not is_under(room, "gmmas_core.wire"):
            yield "flwr"
    if is_under(room, "server") and not is_lab:
        yield from ("client", "gmmas_core.data", "gmmas_core.training", "gmmas_core.inference")
    if is_under(room, "client"):
        yield "server"
    if not is_lab:
        yield "server.lab"
    if is_under(room, "client.reading_room"):
        yield "client.app"


def test_a_file_imports_only_what_its_room_may() -> None:
    """One test for all files, as below: a test for each would be a third of the suite, and say no more."""
    assert len(FILES) > 800
    assert {
        room_of(path): names
        for path in FILES
        if (names := [name for name in imports_of(path) if is_under(name, *closed_to(room_of(path)))])
    } == {}


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


def misused_calls(path: Path) -> Iterator[str]:
    """Calls with which a file's content becomes code."""
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec", "compile", "__import__"):
            yield f"line {node.lineno}: {node.func.id}"
        if isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            if called in ("torch.load", "hydra.utils.instantiate"):
                yield f"line {node.lineno}: {called}"
            if called in ("np.load", "numpy.load") and not any(
                keyword.arg == "allow_pickle" and ast.unparse(keyword.value) == "False" for keyword in node.keywords
            ):
                yield f"line {node.lineno}: np.load without allow_pickle=False"


def test_no_pickle_no_eval_no_code_from_configs() -> None:
    pickles = ("pickle", "cloudpickle", "dill", "shelve", "joblib")
    assert {
        room_of(path): found
        for path in FILES
        if (found := [*(name for name in imports_of(path) if is_under(name, *pickles)), *misused_calls(path)])
    } == {}


def test_a_file_stays_readable() -> None:
    lines = {room_of(path): path.read_text().count("\n") for path in FILES}
    assert {room: count for room, count in lines.items() if count > 300} == {}, "split it along an idea"


def test_no_path_of_a_developers_machine() -> None:
    places = ("/home/", "/root/", "/Users/", "/work/", "/tmp/")
    files = [*FILES, *sorted((ROOT / "configs").rglob("*.yaml"))]
    assert {
        str(path.relative_to(ROOT)): found
        for path in files
        if (found := [place for place in places if place in path.read_text()])
    } == {}
