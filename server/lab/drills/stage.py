"""Where a drill is played: the coordinator's server, three hospitals on cables of their own, and runs."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from server.lab.drills.commands import COORDINATOR, SITE, Said, typed
from server.lab.drills.judging import PATIENCE_S
from server.lab.drills.network import Network
from server.lab.drills.run_under_way import RunUnderWay
from server.lab.drills.template import NAMES, SERVE, SERVING, copy_template
from server.launching.flower_commands import QUIET
from server.serving.child_processes import Child, Children, children, wait_until

CONNECTED = "SuperNode ID"
"""What a node says once the server has let it in."""

SETTINGS = (
    "experiment=smoke",
    "data.spacing_mm=6",
    "model=smallest",
    "training.local_steps=2",
    "evaluation.overlap=0",
    "evaluation.max_validation_cases=1",
    "evaluation.bootstrap=20",
    "acceptance.check=none",
    "federation.poll_s=0.2",
    "federation.deadline_s=600",
)
"""The smallest configuration that still has every part; a round takes seconds."""

MANY_ROUNDS = "rounds=500"
"""More than are ever played: the drill stops the run when it has seen enough."""

EVERYBODY = ("federation.least_deadline_s=600",)
"""No round closes before all have answered."""

WITHOUT_THE_LATE = ("federation.least_deadline_s=5",)
"""A round closes soon after a quorum has answered; the first one still waits for all, to learn how long they take."""


class Stage:
    """A federation that is being served.

    Attributes:
        folder: of everything.
        federation: the coordinator's folder.
        hospitals: name -> folder with site.yaml.
        network: its cables.
        nodes: name -> the hospital's `gmmas-site start`, newest.
        server: the coordinator's `serve`, newest.
    """

    def __init__(self, folder: Path, network: Network, started: Children) -> None:
        self.folder = folder
        self.federation = folder / "federation"
        self.hospitals = {name: folder / "hospitals" / name for name in NAMES}
        self.network = network
        self.nodes: dict[str, Child] = {}
        self._started = started
        self._number = 0
        self.server = self.serve()

    def serve(self) -> Child:
        """Start the coordinator's server; does not wait."""
        self.server = self.process("serve", [*COORDINATOR, *SERVE, str(self.federation)])
        return self.server

    def start(self, name: str, *, before: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Child:
        """Start a hospital's node on its machine; does not wait.

        Args:
            name: of the hospital.
            before: put before the command.
            environment: beside the usual one.
        """
        command = [*self.network.inside(name), *before, *SITE, "start", str(self.hospitals[name])]
        self.nodes[name] = self.process(name, command, environment)
        return self.nodes[name]

    def process(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Child:
        """Start anything, with a log of its own."""
        self._number += 1
        return self._started.start(f"{self._number:02d}-{name}", command, QUIET | dict(environment or {}))

    def wait_for_server(self) -> None:
        """Until hospitals can connect."""
        wait_until(lambda: SERVING in self.server.log_text(), [self.server], PATIENCE_S)

    def wait_for_nodes(self, *names: str) -> None:
        """Until the server has let these in."""
        nodes = [self.nodes[name] for name in names or NAMES]
        wait_until(lambda: all(CONNECTED in node.log_text() for node in nodes), nodes, PATIENCE_S)

    def site(self, name: str, *arguments: object, before: Sequence[str] = ()) -> Said:
        """A command of the hospital, typed on its machine."""
        return typed([*self.network.inside(name), *before, *SITE, *arguments])

    def coordinator(self, *arguments: object) -> Said:
        """A command of the coordinator."""
        return typed([*COORDINATOR, *arguments])

    def launch(self, *overrides: str, folder: Path | None = None) -> RunUnderWay:
        """`gmmas-coordinator launch` of the smallest run, as a process; does not wait."""
        where = folder or self.folder / f"run-{self._number + 1:02d}"
        chosen = [*SETTINGS, *overrides, "--federation", str(self.federation), "--run-dir", str(where), "--json"]
        return RunUnderWay(where, self.process("launch", [*COORDINATOR, "launch", *chosen]))

    def resume(self, run: RunUnderWay) -> RunUnderWay:
        """`gmmas-coordinator resume`, as a process; does not wait."""
        command = [*COORDINATOR, "resume", str(run.folder.path), "--json"]
        return RunUnderWay(run.folder.path, self.process("resume", command))


@contextmanager
def stage(template: Path, folder: Path) -> Iterator[Stage]:
    """A federation that is served and whose three nodes are connected; all of it ends with the `with` block."""
    copy_template(template, folder)
    logs = folder / "logs"
    logs.mkdir()
    network = Network()
    try:
        for name in NAMES:
            network.join(name)
        with children(logs) as started:
            made = Stage(folder, network, started)
            for name in NAMES:
                made.start(name)
            made.wait_for_server()
            made.wait_for_nodes()
            yield made
    finally:
        network.close()
        shutil.rmtree(folder / "hospitals", ignore_errors=True)  # phantoms and caches; logs and runs stay
