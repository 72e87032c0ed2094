"""The lists of an offline bundle, as somebody might write them who means harm."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core.bundle_format import (
    MAX_FILES,
    MAX_SUMS_BYTES,
    PATH,
    About,
    read_about,
    read_sums,
    write_about,
    write_sums,
)
from gmmas_core.types import DataError

ABOUT = About(release="0.1.0", python="3.11", machine="x86_64", created="2026-01-02T03:04:05Z", wheels=3, images=0)
HASH = "0f" * 32


def line(path: str) -> str:
    return f"{HASH}  {path}\n"


def test_lists_are_read_as_they_were_written() -> None:
    sums = {"wheels/torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl": HASH, "docs/deploy/README.md": "a" * 64}
    assert read_sums(write_sums(sums).encode()) == sums
    assert read_about(write_about(ABOUT).encode()) == ABOUT


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../evil",
        "wheels/../../evil",
        "wheels/..",
        "./INSTALL.md",
        "wheels//x",
        "wheels/",
        ".hidden",
        "wheels/.hidden",
        "-rf",
        "C:\\evil",
        "a b",
        " a",
        "é",
        "a\r",
        "a\x1b[2J",
        "a\x00",
        "",
        "x" * 201,
        "a/b/c/d/e",
        "SHA256SUMS",
        "SHA256SUMS.sig",
        "sha256sums",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(DataError):
        read_sums((line("INSTALL.md") + line(path)).encode())
    with pytest.raises(DataError):
        write_sums({"INSTALL.md": HASH, path: HASH})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        line("a") + "\n",
        line("a") + line("a"),
        line("wheels/a") + line("wheels/A"),
        line("a")[:-1],
        line("a") + "trailing",
        line("a").replace("\n", "\r\n"),
        f"{HASH.upper()}  a\n",
        f"{HASH} *a\n",
        f"{HASH[1:]}  a\n",
        f"\\{HASH}  a\n",
        "# a comment\n" + line("a"),
        "".join(line(f"f{number}") for number in range(MAX_FILES + 1)),
        line("a") * (MAX_SUMS_BYTES // 60),
    ],
)
def test_a_list_of_another_shape_is_refused(content: str) -> None:
    with pytest.raises(DataError, match="SHA256SUMS"):
        read_sums(content.encode())


@given(st.binary(max_size=300))
def test_rubbish_is_a_data_error_or_stays_inside(content: bytes) -> None:
    for text in (content, HASH.encode() + b"  " + content):
        with contextlib.suppress(DataError):
            assert all(PATH.fullmatch(path) and ".." not in path.split("/") for path in read_sums(text))


@pytest.mark.parametrize(
    "change",
    [
        {"wheels": True},
        {"wheels": -1},
        {"wheels": 1.0},
        {"wheels": MAX_FILES + 1},
        {"release": 1},
        {"release": "a b"},
        {"release": "\x1b[2J"},
        {"machine": "x" * 65},
        {"python": None},
        {"created": ["2026"]},
        {"format": 2},
        {"format": True},
        {"more": "x"},
    ],
)
def test_another_value_or_field_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(DataError, match=r"bundle\.json"):
        read_about(json.dumps(json.loads(write_about(ABOUT)) | change).encode())


def test_missing_doubled_and_trailing_parts_are_refused() -> None:
    whole = write_about(ABOUT)
    values = json.loads(whole)
    for name in values:
        with pytest.raises(DataError):
            read_about(json.dumps({key: value for key, value in values.items() if key != name}).encode())
    doubled = whole.replace('"images": 0', '"images": 0, "images": 0')
    for content in (whole + "{}", whole[:-3], "[]", "null", doubled, whole + " " * 2**14, "[" * 5000, "\xff"):
        with pytest.raises(DataError):
            read_about(content.encode("latin-1"))
