"""The worker as a program of its own: `python -m client.reading_room.reading.process --parent PID --folder DIR ...`.

Started and restarted by `client.reading_room.service`.
"""

import argparse
import logging
import sys
from pathlib import Path

from client.reading_room.reading.worker import work
from client.reading_room.room import Room
from gmmas_core.types import GmmasError


def main() -> int:
    """Be the worker of a room; 0 when told to end, 2 when it cannot work."""
    parser = argparse.ArgumentParser(prog="reading-room-worker")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--passes", type=int)
    parser.add_argument("--parent", type=int, required=True, help="Process without which this one ends.")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    room = Room(folder=given.folder, site="", model=given.model, device=given.device, passes=given.passes)
    try:
        work(room, given.parent)
    except GmmasError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
