"""The names of Flower that the node's worker replaces are those of the pinned release."""

import inspect
import os
import re
import subprocess
import sys

import flwr
from flwr.supercore.superexec import run_superexec
from flwr.supercore.superexec.executor.types import Executor
from flwr.supernode import start_client_internal
from flwr.supernode.runtime import run_clientapp

from client.supernode import FLWR_VERSION, ForkExecutor


def test_flower_is_the_release_whose_private_names_are_used() -> None:
    assert flwr.__version__ == FLWR_VERSION
    assert "get_executor(" in inspect.getsource(run_superexec.run_superexec)
    source = inspect.getsource(run_clientapp.run_clientapp)
    assert "install_from_fab(" in source
    assert "get_load_client_app_fn(" in source
    assert set(re.findall(r"\btime\.(\w+)", inspect.getsource(start_client_internal))) == {"sleep"}
    expected = {name for name in vars(Executor) if not name.startswith("_")}
    assert expected <= set(dir(ForkExecutor))


def test_forks_that_have_ended_are_taken_leave_of() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    while not _is_zombie(child):
        pass
    ForkExecutor().reconcile()
    assert not os.path.exists(f"/proc/{child}")


def test_the_node_takes_flowers_own_arguments() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "client.supernode", "--nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--node-config" in done.stderr
    assert "unrecognized arguments: --nonsense" in done.stderr


def _is_zombie(process: int) -> bool:
    with open(f"/proc/{process}/stat") as file:
        return file.read().split()[2] == "Z"
