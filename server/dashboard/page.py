"""A status as a page: one HTML file with style and script inside, whose main part is fetched anew as the run goes on.

Names of sites and reasons come from outside: every value is escaped by the template, and the page allows no script and
no style but its own two, by their hashes.
"""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gmmas_core.types import DISCLAIMER
from server.dashboard import words
from server.dashboard.charts import Chart, curve_chart, duration_chart, look, stage_starts
from server.dashboard.status import Curve, RunStatus

ASSETS = Path(__file__).parent / "assets"
STYLE = (ASSETS / "style.css").read_text()
SCRIPT = (ASSETS / "live.js").read_text()
MOST_ROUNDS = 200
"""Rows of a table; the ledger and the report hold the rest."""
FIRST_ALERTS = 8


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


SECURITY_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_source(STYLE)}; script-src {_source(SCRIPT)}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.globals |= {
    "w": words,
    "look": look,
    "css": Markup(STYLE),
    "js": Markup(SCRIPT),
    "disclaimer": DISCLAIMER,
    "MOST_ROUNDS": MOST_ROUNDS,
    "FIRST_ALERTS": FIRST_ALERTS,
}


def render_page(status: RunStatus) -> str:
    """The whole page; it also works, as it is, when saved."""
    return _ENVIRONMENT.get_template("page.html").render(_values(status))


def render_body(status: RunStatus) -> str:
    """What the page's script exchanges; it changes only when something has happened, not with the time."""
    return _ENVIRONMENT.get_template("body.html").render(_values(status))


def _values(status: RunStatus) -> dict[str, Any]:
    stages = stage_starts(status.rounds)
    span = (status.rounds[0].round - 1, status.rounds[-1].round - 1) if status.rounds else (0, 1)
    has_times = any(row.duration_s is not None for row in status.rounds)
    return {
        "status": status,
        "curves": [_curve(name, curve, span, stages) for name, curve in status.curves.items()],
        "durations": duration_chart(status.rounds[-MOST_ROUNDS:]) if has_times else None,
        "rounds": status.rounds[::-1][:MOST_ROUNDS],
        "groups": words.parameter_groups(status.sites),
        "speakers": [site for site in status.sites if site.shares],
        "site_looks": {site: look(number) for number, site in enumerate(_drawn(status))},
    }


def _drawn(status: RunStatus) -> Sequence[str]:
    """Every curve holds every site that was ever counted, in the same order."""
    return next((tuple(curve.sites) for curve in status.curves.values()), ())


def _curve(name: str, curve: Curve, span: tuple[int, int], stages: Sequence[tuple[int, str]]) -> dict[str, Any]:
    chart: Chart = curve_chart(name, curve, span, stages)
    trained = sorted({p.trained for points in (*curve.sites.values(), curve.pooled) for p in points}, reverse=True)
    by_site = {site: {p.trained: p for p in points} for site, points in curve.sites.items()}
    pooled = {p.trained: p for p in curve.pooled}
    rows = [(at, [*(points.get(at) for points in by_site.values()), pooled.get(at)]) for at in trained[:MOST_ROUNDS]]
    return {"name": name, "chart": chart, "sites": list(by_site), "rows": rows}
