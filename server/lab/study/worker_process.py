"""What every worker process of a study does around its work: it says how far it is, and of an error one line."""

import json
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gmmas_core.types import GmmasError


def say(text: str) -> None:
    """One line for the process that started this one."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run_worker(arguments: Sequence[str], work: Callable[[Path, list[Any]], None]) -> int:
    """Do a job; the exit code.

    Args:
        arguments: folder of the study, file of the job.
        work: given the folder and the job's content.
    """
    folder, job = map(Path, arguments)
    try:
        work(folder, json.loads(job.read_text()))
    except GmmasError as error:
        say(f"error: {' '.join(str(error).split())}")
        return 1
    except Exception as error:
        traceback.print_exc()
        say(f"error: {type(error).__name__}")
        return 1
    return 0
