"""Which software answers, as a line of `check` and of `health`."""

from gmmas_core.preflight import Line, line_of
from gmmas_core.software import installed
from gmmas_core.types import ConfigError, DataError


def software_line() -> Line:
    """Release, protocol and image; fails where the image's name is none."""
    try:
        own = installed()
    except ConfigError as error:
        return line_of("software", DataError(str(error)))
    found = f"release {own.release}, protocol {own.protocol}, image {own.image or 'not named'}"
    return Line(name="software", verdict="pass", found=found)
