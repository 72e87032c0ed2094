"""What the node's keeper says to a person goes into the log of events too."""

import logging

from client.events import tell
from client.site import Site


class EventHandler(logging.Handler):
    """Writes every record down as an event: the one that its `event` names, else "restarted"."""

    def __init__(self, site: Site) -> None:
        """Args: site: in whose log."""
        super().__init__()
        self._site = site

    def emit(self, record: logging.LogRecord) -> None:
        """See the class."""
        event = getattr(record, "event", "restarted")
        tell(self._site, event, level=record.levelname.lower(), reason=record.getMessage())
