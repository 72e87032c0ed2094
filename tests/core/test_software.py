"""What a side says of itself, and what it makes of the other's word."""

import pytest
from flwr.app import RecordDict

from gmmas_core import wire
from gmmas_core.software import MAX_LABEL, PROTOCOL, Software, image, installed, release, require_same_protocol
from gmmas_core.types import ConfigError, FederationError


def test_the_image_is_what_the_operator_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GMMAS_IMAGE", raising=False)
    assert installed() == Software(protocol=PROTOCOL, release=release(), image="")
    monkeypatch.setenv("GMMAS_IMAGE", "gmmas-server:0.2@sha256:aa")
    assert image() == "gmmas-server:0.2@sha256:aa"
    for wrong in ("a\tb", "x" * (MAX_LABEL + 1)):
        monkeypatch.setenv("GMMAS_IMAGE", wrong)
        with pytest.raises(ConfigError, match="GMMAS_IMAGE: found"):
            image()


def test_the_older_side_is_told_to_install_the_newer_release() -> None:
    require_same_protocol(installed(), "coordinator")
    with pytest.raises(FederationError, match=r"protocol 0 of release 0\.0\.1; .* install release \S+ there"):
        require_same_protocol(Software(protocol=0, release="0.0.1", image=""), "site 'north'")
    with pytest.raises(FederationError, match=r"protocol 99 of release 9\.0; .* install release 9\.0 here"):
        require_same_protocol(Software(protocol=99, release="9.0", image=""), "coordinator")


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("protocol", "1", "protocol: found str"),
        ("protocol", True, "protocol: found bool"),
        ("release", 3, "release: found int"),
        ("release", "1\x1b[31m", "found release with unprintable"),
        ("image", "x" * (MAX_LABEL + 1), "found image with unprintable or more than"),
    ],
)
def test_what_is_no_version_is_refused_in_words(key: str, value: object, match: str) -> None:
    content = wire.query_to_content([])
    content["request"][key] = value
    with pytest.raises(FederationError, match=match):
        wire.read_coordinator(content)


@pytest.mark.parametrize("key", ["release", "image"])
def test_a_protocol_without_its_release_or_image_is_refused_in_words(key: str) -> None:
    content = wire.query_to_content([])
    del content["request"][key]
    with pytest.raises(FederationError, match=f"{key}: found NoneType"):
        wire.read_coordinator(content)
    with pytest.raises(FederationError, match="found no 'request'"):
        wire.read_coordinator(RecordDict())
