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
<p><b>There are no holdout cases at this hospital,</b> so nothing was measured. Nobody knows how this model does
here.</p>
{% endif %}
<h2>Its own results</h2>
<div class="scroll"><table>
<caption>The release on this hospital's holdout</caption>
<thead><tr><th scope="col">Measure</th><th scope="col">n</th><th scope="col">Result</th>
<th scope="col">95 % interval</th></tr></thead>
<tbody>
{% for row in results %}
<tr><th scope="row">{{ row.measure }}</th><td>{{ row.n or "none" }}</td>
{% if row.value is none %}
<td class="absent" colspan="2">not assessable: {{ row.reason }}</td></tr>
{% else %}
<td>{{ row.value | number(3) }}</td>
<td{% if not row.interval %} class="absent"{% endif %}>{{ row.interval | interval(3) or "none" }}</td></tr>
{% endif %}
{% endfor %}
</tbody></table></div>
{% for part in comparisons %}
<h2>Beside {{ part.with }}</h2>
<div class="scroll"><table>
<caption>Release, the other, and the difference (release minus other) on the same cases</caption>
<thead><tr><th scope="col">Measure</th><th scope="col">n</th><th scope="col">Release</th><th scope="col">Other</th>
<th scope="col">Difference</th><th scope="col">Verdict</th></tr></thead>
<tbody>
{% for row in part.rows %}
<tr><th scope="row">{{ row.measure }}</th><td>{{ row.n or "none" }}</td>
{% if row.difference is none %}
<td class="absent" colspan="4">{{ row.verdict }}</td></tr>
{% else %}
<td>{{ row.release | number(3) }}</td><td>{{ row.other | number(3) }}</td>
<td>{{ "%+.3f" | format(row.difference) }}
<span class="ci">{{ row.interval | interval(3) or "no interval" }}</span></td>
<td>{{ row.verdict }}</td></tr>
{% endif %}
{% endfor %}
</tbody></table></div>
{% endfor %}
{% if left_out %}
<h2>What it was not compared with</h2>
<ul>
{% for part in left_out %}
<li>{{ part.with }}: {{ part.reason }}</li>
{% endfor %}
</ul>
{% endif %}
<h2>How to read this</h2>
<ul>
<li>Dice and AUROC: more is better, 1 is perfect; an AUROC of 0.5 is guessing. Brier score: less is better, 0 is
perfect; always saying 0.5 gives 0.25. n is the number of cases that could be scored.</li>
<li>Intervals are 95 % (bootstrap over patients, {{ resamples }} resamples). With fewer than five patients, or where
every resample gives the same result, there is none.</li>
{% if comparisons %}
<li>The verdict says "better" or "worse" only where the interval of the difference leaves out 0.</li>
<li>Many comparisons are made at once: one of twenty verdicts is expected to be chance.</li>
<li>"Local training alone" is as many rounds of the same curriculum from the same start on this hospital's cases.</li>
{% endif %}
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
