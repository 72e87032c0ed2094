"""A message is answered whatever fails, and no words of a failure leave but those that may."""

import errno
from pathlib import Path

import pytest
from flwr.app import Context, Message, MessageType, RecordDict
from flwr.supercore.task_identity import TaskIdentity

from client.rounds.reply import NO_SITE, reply
from client.site import Site, write_site
from gmmas_core.types import DataError


@pytest.mark.parametrize(
    "error",
    [
        DataError("case Jane: found no file; expected one"),
        OSError(errno.ENOSPC, "No space left on device", "/mnt/Jane"),
        KeyError("Jane"),
    ],
)
def test_a_failure_that_cannot_be_written_down_is_told_all_the_same(tmp_path: Path, error: Exception) -> None:
    """A full disk fails twice: what runs out of it, and the log of that. Flower would send the second one's path."""
    write_site(tmp_path, "north", "brats2021", device="cpu").state.write_text("a file, so that nothing can be in it")
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
    message = Message(RecordDict(), 1, MessageType.TRAIN)
    message.metadata.__dict__["_message_id"] = "m"
    config = {"site": str(tmp_path / "site.yaml")}
    context = Context(run_id=1, node_id=1, node_config=config, state=RecordDict(), run_config={})

    def fails(_: Site) -> RecordDict:
        raise error

    reason = str(reply(message, context, fails).content["refusal"]["reason"])
    assert reason
    assert "Jane" not in reason
    assert str(tmp_path) not in reason


def test_of_a_site_without_policy_and_log_a_fixed_sentence_leaves(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("site: north\nlabel_convention: canonical\ncohort_floor: -17\n")
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
    message = Message(RecordDict(), 1, MessageType.TRAIN)
    message.metadata.__dict__["_message_id"] = "m"
    for config in ({"site": str(tmp_path / "site.yaml")}, {}):
        context = Context(run_id=1, node_id=1, node_config=config, state=RecordDict(), run_config={})
        assert reply(message, context, lambda site: RecordDict()).content["refusal"]["reason"] == NO_SITE
