"""What the coordinator knows of the nodes that Flower shows it: asked, known, refused. Lasts as long as the process."""

from dataclasses import dataclass, field

from gmmas_core.types import SiteStatus


@dataclass
class Query:
    """A question "who are you" that is out; `message_id` is "" when it was lost and is to be asked again."""

    message_id: str
    sends: int


@dataclass
class Roll:
    """Nodes by Flower's node id.

    Attributes:
        seen: every node ever seen, in order; its place is its number in messages to people.
        known: node -> who it is, of those that fitted; a node that comes back is not asked again.
        queries: questions that are out.
        refused: node -> why it does not fit; forgotten when the node leaves, so that a mended site is asked again.
        told: what the ledger has been told about refused nodes.
    """

    seen: list[int] = field(default_factory=list)
    known: dict[int, SiteStatus] = field(default_factory=dict)
    queries: dict[int, Query] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def label(self, node: int) -> str:
        """The node's name until it has said its own."""
        if node not in self.seen:
            self.seen.append(node)
        return f"node {self.seen.index(node) + 1}"
