"""statistics.json and statistics.html: what the hospitals told, what it means, who was silent."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json, write_text
from gmmas_core.reporting.page import render_page
from gmmas_core.reporting.statistics_parts import STATISTICS, statistics_values
from gmmas_core.statistics.form import FORM, HIDDEN
from gmmas_core.types import DISCLAIMER
from server.statistics.advice import advise
from server.statistics.question import Answers
from server.statistics.shift import label_shifts

JSON_FILE, HTML_FILE = "statistics.json", "statistics.html"

PAGE = """\
{% extends "base" %}
{% import "tables" as tables with context %}
{% block title %}Before training: what the hospitals have{% endblock %}
{% block body %}
<p class="faint">{{ sites | length }} {{ "hospital" if sites | length == 1 else "hospitals" }} told counts of their
patients, asked {{ asked_at | when }}. Counts only, with small ones hidden where a hospital has a floor above 1.</p>

<h2>What to look at</h2>
{% if warnings %}
<div class="scroll"><table>
<thead><tr><th scope="col">Hospital</th><th scope="col">What the counts say</th></tr></thead>
<tbody>{% for row in warnings %}<tr><th scope="row">{{ row.about }}</th><td>{{ row.text }}</td></tr>{% endfor %}</tbody>
</table></div>
{% else %}
<p>Nothing stands out in what was told.</p>
{% endif %}
<div class="verdict"><strong>Begin with {{ strategy.name }}</strong><br>
{{ strategy.why | first | upper }}{{ strategy.why[1:] }}.</div>
<p>{% if stages.suggested %}<b>Stages: {{ stages.suggested | join(", ") }}.</b> {% endif %}
{{ stages.why | first | upper }}{{ stages.why[1:] }}.</p>
{% if shifts %}
<details><summary>Every comparison of labels</summary>
<div class="scroll"><table>
<caption>Share of class 1 among the known labels. Distance: total variation, with its 95 % interval (Newcombe); p:
chi-square, after Holm</caption>
<thead><tr><th scope="col">Task</th><th scope="col">Hospitals</th><th scope="col" class="number">Shares</th>
<th scope="col" class="number">Distance</th><th scope="col" class="number">p</th></tr></thead>
<tbody>{% for shift in shifts %}
<tr><th scope="row">{{ TASKS[shift.task] }}</th><td>{{ shift.sites | join(", ") }}</td>
<td class="number">{{ shift.shares[0] | percent }}, {{ shift.shares[1] | percent }}</td>
<td class="number">{{ shift.distance | number }} ({{ shift.interval | interval }})</td>
<td class="number">{{ shift.p | number(3) }}</td></tr>
{% endfor %}</tbody></table></div></details>
{% endif %}

<h2>Who did not answer, and why</h2>
{% if silent %}
<div class="scroll"><table>
<tbody>{% for site, why in silent.items() %}<tr><th scope="row">{{ site }}</th><td>{{ why }}</td></tr>{% endfor %}
</tbody></table></div>
{% else %}
<p>Everybody answered.</p>
{% endif %}

{% if sites %}
{% include "statistics" %}
{% endif %}
{% endblock %}
"""


def write_statistics(folder: Path, answers: Answers) -> dict[str, Any]:
    """Write both files.

    Returns:
        The content of statistics.json; a cell that is not told is null there.
    """
    content = build_statistics(answers)
    write_json(folder / JSON_FILE, content)
    write_text(folder / HTML_FILE, render_statistics(answers, content))
    return content


def build_statistics(answers: Answers) -> dict[str, Any]:
    """The numbers, JSON-able."""
    shifts, undecided = label_shifts(answers.sites)
    return {
        "disclaimer": DISCLAIMER,
        "asked_at": answers.asked_at,
        "tables": {table.name: {"title": table.title, "cells": list(table.cells)} for table in FORM},
        "sites": {
            site: {
                "floor": told.floor,
                "noise_epsilon": told.epsilon or None,
                "counts": {name: _told(cells) for name, cells in told.counts.items()},
            }
            for site, told in sorted(answers.sites.items())
        },
        "silent": dict(answers.silent),
        "label_shift": [asdict(shift) | {"is_shift": shift.is_shift} for shift in shifts],
        "undecided": undecided,
        "advice": advise(answers.sites, shifts, undecided),
    }


def render_statistics(answers: Answers, content: Mapping[str, Any]) -> str:
    """The page: everything in it, no script, nothing loaded from elsewhere."""
    shown = json.loads(json.dumps(content))
    by_site = dict(sorted(answers.sites.items()))
    values = {
        "disclaimer": DISCLAIMER,
        "notice": "",
        "asked_at": answers.asked_at,
        "sites": shown["sites"],
        "silent": shown["silent"],
        "shifts": shown["label_shift"],
        **shown["advice"],
        **statistics_values(by_site, "Hospital"),
    }
    return render_page(PAGE, values, {"statistics": STATISTICS})


def _told(cells: tuple[int, ...]) -> list[int | None]:
    return [None if cell == HIDDEN else cell for cell in cells]
