"""A server that does not answer is told to a person, once and again, and that it answers again too."""

import logging
import os
from pathlib import Path

import httpx
import pytest

from client.node.event_handler import EventHandler
from client.node.event_reading import EventReader
from client.node.link import PATIENCE_S, REMIND_S, LinkWatch, answered_at, note_answer
from client.node.loopback import is_loopback, without_proxy_to_itself
from client.node.supernode import PromptClock
from client.site import Site, write_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return write_site(tmp_path, "north", "brats2021")


class Machine:
    """A clock that the test moves, and a server that answers when told to."""

    def __init__(self, site: Site, log: logging.Logger) -> None:
        self.now, self.site = 1_000_000.0, site
        self.watch = LinkWatch(site.state, log, "gmmas-site check north --connect", lambda: self.now)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        self.watch.look()

    def answer(self) -> None:
        note_answer(self.site.state)
        os.utime(self.site.state / "server_answered", (self.now, self.now))


def test_silence_is_told_with_what_to_do(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("test-link")
    machine = Machine(site, log)
    handler = EventHandler(site, lambda: machine.now)
    log.addHandler(handler)
    assert answered_at(site.state) is None
    machine.pass_by(PATIENCE_S - 1)
    assert caplog.messages == []
    machine.pass_by(2)
    machine.pass_by(10)
    (told,) = caplog.messages
    assert told.startswith("node: found no answer of the server for 61 s; expected one; it keeps trying")
    assert told.endswith("gmmas-site check north --connect")
    machine.pass_by(REMIND_S)
    assert len(caplog.messages) == 2
    machine.answer()
    machine.pass_by(1)
    assert caplog.messages[2:] == ["node: connected to the server again"]
    machine.pass_by(1)
    machine.answer()
    machine.pass_by(PATIENCE_S + 1)
    log.removeHandler(handler)
    events = EventReader(site.state).so_far()
    assert [event["event"] for event in events] == ["unconnected", "unconnected", "connected", "unconnected"]
    assert {event["level"] for event in events} == {"warning"}


def test_the_same_words_are_written_down_once_in_a_while(site: Site) -> None:
    clock = [0.0]
    handler = EventHandler(site, lambda: clock[0])
    for now in (0, 5, 10, 599, 601, 700, 1300):
        clock[0] = now
        for words in ("the node ended with code 1", f"another at {now}"):
            handler.emit(logging.LogRecord("x", logging.WARNING, "", 0, words, None, None))
    reasons = [event["reason"] for event in EventReader(site.state).so_far()]
    assert reasons.count("the node ended with code 1") == 3
    assert len(reasons) == 3 + 7


def test_an_answer_to_an_earlier_node_is_none(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine(site, logging.getLogger("test-link"))
    machine.answer()
    os.utime(site.state / "server_answered", (machine.now - 9, machine.now - 9))
    machine.pass_by(PATIENCE_S + 1)
    assert len(caplog.messages) == 1


def test_the_node_notes_every_answer(site: Site) -> None:
    clock = PromptClock(lambda: note_answer(site.state))
    clock.sleep(0)
    assert answered_at(site.state) is not None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("::1", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
    ],
)
def test_what_this_machine_is(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


def test_exceptions_that_were_there_stay() -> None:
    found = without_proxy_to_itself({"NO_PROXY": "a.example, b.example", "no_proxy": "c.example", "X": "y"})
    assert found["no_proxy"] == found["NO_PROXY"] == "c.example,a.example,b.example,127.0.0.1,localhost,::1"
    assert found["X"] == "y"


def test_flowers_http_library_obeys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in without_proxy_to_itself({"http_proxy": "http://proxy.invalid:1"}).items():
        monkeypatch.setenv(name, value)
    with httpx.Client() as client:
        direct, far = (
            client._transport_for_url(httpx.URL(url)) for url in ("http://127.0.0.1:9094", "http://a.example")
        )
        assert direct is client._transport
        assert far is not client._transport
