"""What the coordinator's page of statistics and a hospital's own share: groups of tables, their bars and numbers."""

from collections.abc import Mapping
from typing import Any

from gmmas_core.reporting.figures_statistics import count_bars, shown
from gmmas_core.statistics.form import FORM, HIDDEN, Statistics

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Patients": ("split", "studies", "age", "sex", "field-strength"),
    "Labels": ("label", "mask"),
    "Sequences": ("sequences",),
    "Tumour volumes": ("volume",),
    "Brightness": ("bright", "raw"),
}
"""Heading -> first words of the tables' names."""

STATISTICS = """
<style>
@media (prefers-color-scheme: dark) {
  :root { color-scheme: dark; }
  body { background: #14181d; color: #e6e9ed; }
  a { color: #79b8ff; }
  h2 { border-top-color: #e6e9ed; }
  .banner { border-color: #e6e9ed; } .banner.notice { background: #33280f; }
  .verdict, pre, tr.pooled td, tr.pooled th { background: #1f252c; border-color: #3a434d; }
  .faint, small, .note, figcaption, td.absent, .absent, dt { color: #a9b3bf; }
  th, td, .tile { border-color: #3a434d; } thead th { border-bottom-color: #e6e9ed; }
  figure > div { background: #fff; padding: 8px; border-radius: 4px; }
}
details { margin: .4rem 0 1.2rem; } summary { cursor: pointer; font-weight: 600; padding: .3rem 0; }
.number { text-align: right; }
</style>
{% for group in groups %}
<h2>{{ group.title }}</h2>
{{ tables.figure(group.drawing, "Patients per cell. A question mark is a cell that is not told;
it stands for no size.") }}
<details><summary>The same in numbers</summary>
{% for table in group.tables %}
<div class="scroll"><table><caption>{{ table.title }}</caption>
<thead><tr><th scope="col">{{ who }}</th>{% for cell in table.cells %}<th scope="col" class="number">{{ cell }}</th>
{%- endfor %}</tr></thead>
<tbody>{% for row in table.rows %}
<tr><th scope="row">{{ row.site }}</th>{% for cell in row.cells %}
<td class="number{{ " absent" if cell.hidden }}">{{ cell.text }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>
{% endfor %}
</details>
{% endfor %}
<p class="note"><b>Cells that are not told.</b> "Hidden" is a cell of fewer patients than the hospital's floor
({% for site, floor in floors.items() %}{{ site }}: {{ floor }}{{ ", " if not loop.last }}{% endfor %}), or one that had
to be hidden beside such a cell because it would follow from the total. It is at least 1, unless the whole row is
hidden. 0 is a count: nobody. A patient is counted once per table, with the first study in the hospital's table.</p>
{% for site, epsilon in noise.items() %}
<p class="note"><b>{{ site }}: noise.</b> Every count carries discrete Laplace noise, epsilon {{ epsilon }} for all
tables together; each is off by {{ "%.0f" | format(errors[site]) }} patients on average, and rows need not agree.</p>
{% endfor %}
"""


def statistics_values(by_row: Mapping[str, Statistics], who: str) -> dict[str, Any]:
    """What STATISTICS asks for.

    Args:
        by_row: name of a row -> counts, as told.
        who: heading of the rows.
    """
    return {
        "groups": [_group(title, words, by_row) for title, words in GROUPS.items()],
        "who": who,
        "floors": {name: told.floor for name, told in by_row.items()},
        "noise": {name: f"{told.epsilon:g}" for name, told in by_row.items() if told.epsilon},
        "errors": {name: len(FORM) / told.epsilon for name, told in by_row.items() if told.epsilon},
    }


def _group(title: str, words: tuple[str, ...], by_row: Mapping[str, Statistics]) -> dict[str, Any]:
    tables = [table for table in FORM if table.name.partition(".")[0] in words]
    numbers = []
    for table in tables:
        rows = [{"site": name, "cells": _cells(told, table.name)} for name, told in by_row.items()]
        numbers.append({"title": table.title, "cells": table.cells, "rows": rows})
    return {"title": title, "drawing": count_bars(tables, by_row), "tables": numbers}


def _cells(told: Statistics, table: str) -> list[dict[str, Any]]:
    return [{"text": shown(cell, told), "hidden": cell == HIDDEN} for cell in told.counts[table]]
