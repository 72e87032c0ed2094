"""Libraries that call home when nobody stops them, stopped: both sides apply this before they import Flower or Ray.

Flower reads its settings once, when it is imported; whoever starts a program by hand may have forgotten them. The one
leak that no setting stops is shut where it opens, in `server.lab.engines`.
"""

import os

SETTINGS = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Nothing phones home, nothing is installed at run time."""


def apply() -> None:
    """Set them for this process and its children, whatever they were."""
    os.environ.update(SETTINGS)
