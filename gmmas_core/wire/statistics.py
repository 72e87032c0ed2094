"""The question for statistics before a run, and a site's answer.

The question carries nothing but who asks: no configuration, so that nobody can change the answer by asking differently.
"""

from flwr.app import ConfigRecord, MetricRecord, RecordDict

from gmmas_core.enrolment import SITE_NAME
from gmmas_core.software import installed
from gmmas_core.statistics.form import HIDDEN, VERSION, Statistics, require_form
from gmmas_core.types import FederationError
from gmmas_core.wire.handshake import named
from gmmas_core.wire.records import metric_record
from gmmas_core.wire.replies import reply_record
from gmmas_core.wire_fields import read_integer, read_number, read_string

MAX_PATIENTS = 10_000_000
"""In one cell; beyond it something is wrong."""

MAX_FLOOR = 100_000
MAX_EPSILON = 1e6


def statistics_question_to_content() -> RecordDict:
    """The question; it is read with `read_coordinator`.

    Raises:
        ConfigError: see `software.installed`.
    """
    return RecordDict({"request": ConfigRecord(named(installed()))})


def statistics_to_content(told: Statistics) -> RecordDict:
    """A site's answer."""
    about = ConfigRecord({"site": told.site, "form": VERSION, "floor": told.floor, "epsilon": float(told.epsilon)})
    tables = MetricRecord({name: list(cells) for name, cells in told.counts.items()})
    return RecordDict({"reply": about, "statistics": tables})


def read_statistics(content: RecordDict) -> Statistics:
    """A checked answer.

    Raises:
        FederationError: a refusal by the site, another form, a field that is missing, ill-typed or out of range, or a
            cell below the floor that the site itself names.
    """
    about = reply_record(content)
    site = read_string(about, "site")
    if SITE_NAME.fullmatch(site) is None:
        raise FederationError("statistics: found a site with unusual characters; expected its name in site.yaml")
    if read_integer(about.get("form"), "form") != VERSION:
        raise FederationError(
            f"statistics: found another form than {VERSION}; expected the same; install the same release on both sides"
        )
    floor, epsilon = read_integer(about.get("floor"), "floor"), read_number(about.get("epsilon"), "epsilon")
    if not 1 <= floor <= MAX_FLOOR or not 0 <= epsilon <= MAX_EPSILON:
        raise FederationError("statistics: found a floor or epsilon out of range; expected those of a policy")
    counts: dict[str, tuple[int, ...]] = {}
    for name, cells in metric_record(content, "statistics").items():
        if not isinstance(cells, list):
            raise FederationError("statistics: found a table that is no list; expected patients per cell")
        counts[name] = tuple(read_integer(cell, "statistics cell") for cell in cells)
    require_form(counts)
    for told in counts.values():
        if any(cell > MAX_PATIENTS or cell < HIDDEN or 0 < cell < floor for cell in told):
            raise FederationError(
                f"statistics: found a cell below the site's floor or out of range; expected 0, hidden, or at least "
                f"{floor}; nothing of this answer was kept"
            )
    return Statistics(site=site, floor=floor, epsilon=epsilon, counts=counts)
