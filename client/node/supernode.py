"""A hospital's node in one command: Flower's SuperNode, and beside it the process that does its work.

    python -m client.node.supernode --superlink HOST:PORT --node-config 'site="PATH/site.yaml"' ...

takes flower-supernode's own arguments. Flower by itself unpacks the coordinator's bundle and starts an interpreter for
every message; importing the libraries then takes longer than a short round. Here the installed application is imported
once and every message is answered by a fork, which ends with its message as Flower's process would. The bundle is
never unpacked or imported: what runs is what this site installed. Both are kept alive by `client.node.keeper`:
whichever ends is started again, until the command itself is told to end.

The names patched below are private to Flower; a test pins the version they were read in.
"""

import argparse
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch._dynamo  # noqa: F401 - the optimiser imports it at its first step: here once, not once per message
from flwr.supercore.app_utils import start_parent_process_monitor
from flwr.supercore.constant import SUPERNODE_DEFAULT_SERVER_ADDRESS, TaskType
from flwr.supercore.heartbeat import HeartbeatSender
from flwr.supercore.superexec import run_superexec as superexec
from flwr.supercore.superexec.executor.subprocess_executor import SubprocessExecutor
from flwr.supercore.superexec.executor.types import ExecutionSpec, LaunchResult
from flwr.supernode import fleet_http_connection as connection
from flwr.supernode import start_client_internal
from flwr.supernode.cli.flower_supernode import _parse_supernode_lifespan_config, flower_supernode
from flwr.supernode.runtime import run_clientapp as clientapp

from client.app import app
from client.node import keeper as supernode_keeper
from client.node.event_handler import EventHandler
from client.node.events import tell
from client.node.heartbeat import Pulse, beat, keep_beating
from client.node.link import LinkWatch, note_answer
from client.node.loopback import without_proxy_to_itself
from client.node.resources import clean_up
from client.site import read_site
from gmmas_core.types import GmmasError

FLWR_VERSION = "1.41.0"
"""The release whose private names are used here."""

MAX_AT_ONCE = 4
"""Messages that are answered at the same time, each with as much as the limits allow; the others wait in the node."""

POLL_S = 0.5
"""Pause between two questions to the SuperLink; Flower's own is 3 s and has no setting."""


_SITE = re.compile(r"""(?:^|\s)site=(?:"([^"]*)"|'([^']*)')""")


class PromptClock:
    """Stands in for the `time` module where the SuperNode waits for messages: it does nothing else with it."""

    def __init__(self, answered: Callable[[], None]) -> None:
        """Args: answered: called when the SuperLink has just said that there is no message."""
        self._pulse = Pulse(answered)

    def sleep(self, seconds: float) -> None:
        """Wait, but never longer than POLL_S."""
        self._pulse.beat()
        time.sleep(min(seconds, POLL_S))


class ForkExecutor(SubprocessExecutor):
    """Answers each message in a fork of this process, which has imported everything already.

    Args:
        state: of the site, where the heartbeat goes; None for none.
    """

    def __init__(self, state: Path | None = None) -> None:
        super().__init__()
        self._state = state
        self._answering: set[int] = set()
        self._pulse = None if state is None else Pulse(lambda: beat(state))

    def get_eligible_capacity(
        self,
        supported_task_types: set[TaskType],
        *,
        insecure: bool = False,
        root_certificates_path: str | None = None,
    ) -> tuple[set[TaskType], set[str]]:
        """Nothing but client applications is ever run here, and no more than MAX_AT_ONCE of them."""
        is_free = len(self._answering) < MAX_AT_ONCE
        return supported_task_types & {TaskType.CLIENT_APP} if is_free else set(), set()

    def launch(self, spec: ExecutionSpec) -> LaunchResult:
        """Fork; the child never returns."""
        child = os.fork()
        if child == 0:
            _answer(spec, self._state)
        self._answering.add(child)
        return LaunchResult.accepted()

    def reconcile(self) -> None:
        """Called at every poll: take leave of the forks that have ended, and beat while there is none.

        Raises:
            SystemExit: one was killed. Flower would learn of it after a minute of silence; ending the worker makes the
                keeper restart the node, which tells the SuperLink at once that the message's work is lost.
        """
        with suppress(ChildProcessError):
            while True:
                ended, status = os.waitpid(-1, os.WNOHANG)
                if not ended:
                    return
                self._answering.discard(ended)
                if os.WIFSIGNALED(status):
                    sys.exit(f"worker: a message's process was killed by signal {os.WTERMSIG(status)}")
        if self._pulse is not None:
            self._pulse.beat()


def main() -> None:
    """Run the node and its worker until told to end; arguments that Flower refuses end the command at once."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    host, _, port = SUPERNODE_DEFAULT_SERVER_ADDRESS.rpartition(":")
    parser.add_argument("--host", default=host)
    parser.add_argument("--port", default=port)
    parser.add_argument("--node-config", default="")
    given, _ = parser.parse_known_args()
    _parse_supernode_lifespan_config()
    os.environ.update(without_proxy_to_itself(os.environ))
    supernode_keeper.log.addHandler(logging.StreamHandler())
    keeper, address = os.getpid(), f"{given.host}:{given.port}"
    file = _site_file(given.node_config)
    if file is None:
        supernode_keeper.keep(lambda: _run_node(keeper, None), lambda node: _work(address, node, None))
        return
    site = read_site(file)
    supernode_keeper.log.addHandler(EventHandler(site))
    with suppress(OSError):
        clean_up(site.state)
    tell(site, "started")
    watch = LinkWatch(site.state, supernode_keeper.log, f"gmmas-site check {file.parent} --connect")
    supernode_keeper.keep(
        lambda: _run_node(keeper, site.state), lambda node: _work(address, node, site.state), watch.look
    )
    tell(site, "ended", reason="told to")


def _site_file(node_config: str) -> Path | None:
    """site.yaml of the node's configuration; None where it names none that can be read, which messages will be told."""
    found = _SITE.search(node_config)
    named = (found[1] or found[2]) if found is not None else ""
    if not named:
        return None
    file = Path(named)
    try:
        read_site(file)
    except GmmasError:
        return None
    return file


def _run_node(keeper: int, state: Path | None) -> None:
    """Flower's SuperNode; it ends when its keeper has ended, and rather than living on without its heartbeat."""
    start_parent_process_monitor(keeper)
    threading.excepthook = _end_with_thread

    def answered() -> None:
        if state is not None:
            note_answer(state)

    # Polls pause while weights travel, which on a slow line takes minutes; heartbeats go on.
    setattr(start_client_internal, "time", PromptClock(answered))  # noqa: B010 - mypy knows no such name
    setattr(connection, "HeartbeatSender", lambda act: HeartbeatSender(noted(act, answered)))  # noqa: B010
    sys.argv += ["--isolation", "process"]
    flower_supernode()


def noted(act: Callable[[], bool], answered: Callable[[], None]) -> Callable[[], bool]:
    """The same question to the SuperLink; whoever is told of answers hears of this one too."""

    def ask() -> bool:
        is_answered = act()
        if is_answered:
            answered()
        return is_answered

    return ask


def _end_with_thread(failure: threading.ExceptHookArgs) -> None:
    """A node whose heartbeat thread died would ask for messages for ever while the SuperLink holds it for dead."""
    threading.__excepthook__(failure)
    os.kill(os.getpid(), signal.SIGTERM)


def _work(runtime_api_address: str, supernode: int, state: Path | None) -> None:
    """Fetch messages from the SuperNode on this machine until it ends, however it ends."""
    setattr(superexec, "get_executor", lambda *_, **__: ForkExecutor(state))  # noqa: B010
    superexec.run_superexec(runtime_api_address, insecure=True, parent_pid=supernode)


def _answer(spec: ExecutionSpec, state: Path | None) -> None:
    """Answer one message with the installed application, then end this process."""
    if state is not None:
        keep_beating(state)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    setattr(clientapp, "install_from_fab", lambda *_, **__: Path())  # noqa: B010
    setattr(clientapp, "get_load_client_app_fn", lambda **_: lambda *__: app)  # noqa: B010
    code = 1
    try:
        clientapp.run_clientapp(
            runtime_api_address=spec.runtime_api_address,
            token=spec.token,
            insecure=spec.insecure,
            parent_pid=spec.parent_pid,
        )
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
