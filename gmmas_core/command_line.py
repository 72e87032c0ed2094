"""How every command ends: 0 when the job was done, 1 with one clear sentence when it was not, no traceback."""

import sys
from collections.abc import Callable

from gmmas_core.types import GmmasError


def run_app(app: Callable[[], object]) -> None:
    """Run a command line application and turn the project's own errors into a message and exit code 1.

    Ctrl-C ends with 130. An error of any other kind is a defect and keeps its traceback.
    """
    try:
        app()
    except GmmasError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 (the one place that speaks to the user on failure)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from where it stopped", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except OSError as error:
        # The reason only: a path may carry what must not be printed.
        print(f"error: {error.strerror or type(error).__name__}; nothing half-written was left", file=sys.stderr)  # noqa: T201
        sys.exit(1)
