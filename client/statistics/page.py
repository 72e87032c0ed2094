"""The hospital's own page of its statistics: everything as it is, and beside it exactly what would be sent."""

from client.site import Site
from client.statistics.answer import Counted
from gmmas_core.reporting.page import render_page
from gmmas_core.reporting.statistics_parts import STATISTICS, statistics_values
from gmmas_core.statistics.form import Statistics
from gmmas_core.types import DISCLAIMER

PAGE = """\
{% extends "base" %}
{% import "tables" as tables with context %}
{% block title %}Statistics of {{ site }}{% endblock %}
{% block body %}
<div class="verdict"><strong>{{ heading }}</strong><br>{{ text }}</div>
<p><b>This page stays in the hospital:</b> the rows "here" show small cells.</p>
{% include "statistics" %}
{% endblock %}
"""


def render_local(site: Site, counted: Counted) -> str:
    """The page; self-contained."""
    rows = {"here": Statistics(site=site.name, floor=1, epsilon=0.0, counts=counted.counts)}
    heading, text = "Nothing would be sent", counted.refusal
    if counted.stored is not None:
        rows["sent"] = counted.stored.told
        heading = 'The rows "sent" are what the coordinator gets'
        text = answer_in_words(counted)
    values = {"disclaimer": DISCLAIMER, "notice": "", "site": site.name, "heading": heading, "text": text}
    return render_page(PAGE, values | statistics_values(rows, "Row"), {"statistics": STATISTICS})


def answer_in_words(counted: Counted) -> str:
    """How the answer came about, for the hospital."""
    stored = counted.stored
    if stored is None:
        return counted.refusal
    noise = f", {stored.spent:g} of epsilon spent on their noise" if stored.spent else ""
    age = f"; {counted.changed} patients changed since it was made, too few for a new one" if counted.changed else ""
    return f"floor {stored.told.floor}; {stored.made} answers made so far{noise}{age}"
