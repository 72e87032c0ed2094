"""federation.yaml is typed by hand: defaults, every mistake at once, and nothing that could become another path."""

from pathlib import Path

import pytest

from gmmas_core.types import ConfigError
from server.membership.federation_file import federation_folder, is_host, read_federation

SMALLEST = "name: demo\nserver: {address: 'fed.example.org:443'}\nsites: [east, west-2]\n"


def complaint(folder: Path, text: str | bytes) -> str:
    (folder / "federation.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        read_federation(folder)
    return str(caught.value)


def test_defaults(tmp_path: Path) -> None:
    (tmp_path / "federation.yaml").write_text(SMALLEST)
    found = read_federation(tmp_path)
    assert (found.name, found.address, found.host) == ("demo", "fed.example.org:443", "fed.example.org")
    assert (found.names, found.sites) == ((), ("east", "west-2"))
    assert (found.server_days, found.invitation_days, found.site_days) == (365, 14, 365)


def test_every_entry(tmp_path: Path) -> None:
    text = SMALLEST.replace("443'}", "443', names: [10.0.0.7, '::1', fed]}") + "valid_days: {invitation: 3, site: 90}\n"
    (tmp_path / "federation.yaml").write_text(text)
    found = read_federation(tmp_path)
    assert found.names == ("10.0.0.7", "::1", "fed")
    assert (found.server_days, found.invitation_days, found.site_days) == (365, 3, 90)


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    said = complaint(
        tmp_path, "nam: x\nserver: {address: 'host', port: 1, names: ['a b']}\nvalid_days: {site: 0, ca: 5}\n"
    ).splitlines()
    wanted = ("unknown key 'nam'", "no name", "no sites", "server.'port'", "server.address: found 'host'")
    wanted += ("server.names", "valid_days.'ca'", "valid_days.site: found 0")
    assert len(said) == len(wanted)
    assert all(any(each in line for line in said) for each in wanted)


@pytest.mark.parametrize(
    "sites",
    [
        "['../ca/ca']",
        "['a/b']",
        "['.']",
        "[-east]",
        "['east\\n']",
        "[é]",
        "[east, East]",
        "[]",
        "east",
        "[1]",
        "[[east]]",
        f"[{'x' * 65}]",
        f"[{', '.join(f's{n}' for n in range(1001))}]",
    ],
)
def test_a_site_is_a_plain_name(tmp_path: Path, sites: str) -> None:
    said = complaint(
        tmp_path, f"name: demo\nserver: {{address: 'h:1'}}\nsites: {sites}\n".replace("'east\\n'", '"e\\n"')
    )
    assert said.startswith("federation.yaml: sites: found ")
    assert len(said) < 400


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (SMALLEST + "name: other\n", "a key appears twice"),
        ("name: [", "line 1"),
        ("- a\n- b\n", "no 'key: value' lines"),
        ("", "no 'key: value' lines"),
        (b"name: \xff\n", "not UTF-8"),
        (b"#" * (2**20 + 1), "more than 1 MB"),
        ("a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
        ("a: " + "[" * 600, "no valid YAML"),
        ("? {a: b}\n: c\n", "unhashable"),
    ],
)
def test_hostile_files_are_one_sentence(tmp_path: Path, text: str | bytes, part: str) -> None:
    said = complaint(tmp_path, text)
    assert part in said
    assert len(said) < 300


def test_aliases_that_stand_for_gigabytes_are_not_spelled_out(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    said = complaint(tmp_path, "\n".join([*lines, "name: *a29", "sites: *a29", "server: *a29"]))
    assert len(said) < 20_000


def test_no_file_and_another_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no readable file"):
        read_federation(tmp_path)
    assert federation_folder(tmp_path) == federation_folder(tmp_path / "federation.yaml") == tmp_path
    with pytest.raises(ConfigError, match=r"found 'fed\.yaml'"):
        federation_folder(tmp_path / "fed.yaml")
    with pytest.raises(ConfigError, match="found no folder 'nowhere'"):
        federation_folder(tmp_path / "nowhere" / "federation.yaml")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("fed.example.org", True),
        ("10.0.0.1", True),
        ("superlink", True),
        ("10.0.0.300", False),
        ("10.0", False),
        ("a_b", False),
        ("-a.org", False),
        ("a..b", False),
        ("", False),
        ("ä.org", False),
        ("a." * 127 + "ab", False),
    ],
)
def test_hosts(text: str, fits: bool) -> None:
    assert is_host(text) is fits
