"""Where a model may be, and that everything wrong is named at once."""

from pathlib import Path
from typing import Any

import pytest

from client.reading_room.writer.settings import key_of, read_writer, writer_settings
from gmmas_core.types import DataError

HERE = {"endpoint": "http://127.0.0.1:11434/v1", "model": "llama3.1:8b"}


@pytest.mark.parametrize("host", ["127.0.0.1:11434", "localhost", "[::1]:8080", "127.9.9.9"])
def test_this_machine_needs_no_permission(host: str) -> None:
    settings = writer_settings({**HERE, "endpoint": f"http://{host}/v1"})
    assert not settings.is_remote
    assert settings.name == f"llama3.1:8b via {host}"


@pytest.mark.parametrize(
    "host",
    ["10.0.0.3", "example.org", "0.0.0.0", "127.0.0.1.example.org", "x.localhost", "2130706433", "[::ffff:8.8.8.8]"],
)
def test_another_machine_needs_permission_and_tls(host: str) -> None:
    with pytest.raises(DataError, match="found another machine") as refused:
        writer_settings({**HERE, "endpoint": f"http://{host}/v1"})
    assert "expected https" in str(refused.value), "both problems at once"
    with pytest.raises(DataError, match="expected https"):
        writer_settings({**HERE, "endpoint": f"http://{host}/v1", "allow_remote": True})
    assert writer_settings({**HERE, "endpoint": f"https://{host}/v1", "allow_remote": True}).is_remote


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://127.0.0.1/v1",
        "127.0.0.1:11434",
        "http://",
        "http://user:password@127.0.0.1/v1",
        "http://127.0.0.1@example.org/v1",
        "http://127.0.0.1/v1?to=x",
        "http://127.0.0.1/v1#x",
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:0/v1",
        "http://[::1/v1",
        "http://127.0.0.1/v1\r\nHost: x",
        7,
        None,
    ],
)
def test_what_is_no_plain_address_is_refused(endpoint: object) -> None:
    with pytest.raises(DataError, match=r"writer\.endpoint"):
        writer_settings({**HERE, "endpoint": endpoint, "allow_remote": True})


def test_every_problem_is_named_at_once() -> None:
    wrong: dict[str, Any] = {
        "endpoint": "x",
        "allow_remote": "yes",
        "timeout_s": float("nan"),
        "max_bytes": True,
        "seed": -1,
        "key_variable": "NO-NAME",
        "modle": "x",
    }
    with pytest.raises(DataError) as refused:
        writer_settings(wrong)
    lines = str(refused.value).splitlines()
    assert len(lines) == 8
    assert all("expected" in line for line in lines)
    with pytest.raises(DataError, match="expected one of them"):
        writer_settings({**HERE, "key_variable": "KEY", "key_file": "key"})


def test_a_file_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "writer.yaml"
    with pytest.raises(DataError, match="cannot be read"):
        read_writer(path)
    for content in (b"\xff\xfe", b"a: [", b"just text", b"", b"endpoint: x"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="writer"):
            read_writer(path)
    path.write_text("endpoint: http://127.0.0.1:8080/v1\nmodel: qwen3:8b\ntimeout_s: 30\n")
    assert read_writer(path).timeout_s == 30


def test_a_key_is_read_when_it_is_needed_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_of(writer_settings(HERE)) == ""
    by_name = writer_settings({**HERE, "key_variable": "GMMAS_TEST_KEY"})
    with pytest.raises(DataError, match="found no key in the variable GMMAS_TEST_KEY"):
        key_of(by_name)
    monkeypatch.setenv("GMMAS_TEST_KEY", "s3cret")
    assert key_of(by_name) == "s3cret"
    file = tmp_path / "key"
    by_file = writer_settings({**HERE, "key_file": str(file)})
    for content in (b"", b"s3cret\r\nX-Evil: 1", b"\xff", b"k" * 5000):
        file.write_bytes(content)
        with pytest.raises(DataError, match="found no key in the key's file") as refused:
            key_of(by_file)
        assert "s3cret" not in str(refused.value)
    file.write_text("s3cret\n")
    assert key_of(by_file) == "s3cret"
    assert "s3cret" not in repr(by_file)
