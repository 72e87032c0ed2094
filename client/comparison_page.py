"""The page on which a hospital reads what a release brings it before it is used. It never leaves the hospital."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from client.site import Site
from gmmas_core.atomic import write_json, write_text
from gmmas_core.reporting.page import render_page

_PAGE = """\
{% extends "base" %}
{% block title %}{{ site }}: what release {{ name }} brings{% endblock %}
{% block body %}
<p class="faint">Model <code>{{ model_id }}</code> on the {{ cases | cases }} of this hospital's holdout. The page was
made at {{ site }} and stays there.</p>
{% if not cases %}
<p><b>There are no holdout cases at this hospital,</b> so nothing was compared. Nobody knows how this model does
here.</p>
{% endif %}
{% for part in comparisons %}
<h2>Beside {{ part.with }}</h2>
<div class="scroll"><table>
<caption>Release, the other, and the difference (release minus other) on the same cases</caption>
<thead><tr><th scope="col">Measure</th><th scope="col">n</th><th scope="col">Release</th><th scope="col">Other</th>
<th scope="col">Difference</th><th scope="col">Verdict</th></tr></thead>
<tbody>
{% for row in part.rows %}
<tr><th scope="row">{{ row.measure }}</th><td>{{ row.n or "none" }}</td>
<td{% if row.release is none %} class="absent"{% endif %}>{{ row.release | measured(row.n, 3) }}</td>
<td{% if row.other is none %} class="absent"{% endif %}>{{ row.other | measured(row.n, 3) }}</td>
<td{% if row.difference is none %} class="absent"{% endif %}>
{% if row.difference is none %}not assessable{% else %}{{ "%+.3f" | format(row.difference) }}
<span class="ci">{{ row.interval | interval(3) or "no interval" }}</span>{% endif %}</td>
<td>{{ row.verdict }}</td></tr>
{% endfor %}
</tbody></table></div>
{% else %}
<p class="absent">There was no other model to compare with.</p>
{% endfor %}
<h2>How to read this</h2>
<ul>
<li>Dice and AUROC: more is better. Brier score: less is better. The verdict says "better" or "worse" only where the
95 % interval (bootstrap over patients, {{ resamples }} resamples) leaves out 0. With fewer than five patients there is
none.</li>
<li>Many comparisons are made at once: one of twenty verdicts is expected to be chance.</li>
<li>"Local training alone" is as many rounds of the same curriculum from the same start on this hospital's cases.</li>
<li>This is no evidence that the model helps a patient. {{ disclaimer }}</li>
</ul>
{% endblock %}
"""


def write_comparison(site: Site, content: Mapping[str, Any]) -> Path:
    """Write `<state>/models/comparisons/<name>/comparison.json` and `.html`.

    Args:
        site: whose state folder.
        content: from `model_comparison.compared`; its "name" is that of an installed model.

    Returns:
        The page's path.
    """
    folder = site.state / "models" / "comparisons" / str(content["name"])
    write_json(folder / "comparison.json", dict(content))
    write_text(folder / "comparison.html", render_page(_PAGE, content))
    return folder / "comparison.html"
