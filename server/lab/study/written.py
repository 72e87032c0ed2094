"""What the reports of the small studies have in common: three files, and how a number stands in a cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json, write_text
from gmmas_core.reporting.page import render_page

_MACROS = """
{% macro cell(found, digits=3, absent="not measured") %}
{% if not found or found.value is none %}<td class="absent">{{ absent }}</td>
{% else %}<td>{{ found.value | number(digits) }}
{% if found.interval %}<span class="ci">{{ found.interval | interval(digits) }}</span>{% endif %}</td>{% endif %}
{% endmacro %}
{% macro said(conclusion, assumed) %}
<ul>{% for line in conclusion %}<li>{{ line }}</li>{% endfor %}</ul>
<h2>What has to be known</h2>
<ul>{% for line in assumed %}<li>{{ line }}</li>{% endfor %}</ul>
{% endmacro %}
"""


def write_reports(
    folder: Path, study: Mapping[str, Any], markdown: Sequence[str], page: str, values: Mapping[str, Any]
) -> None:
    """Write study.json, study.md and a self-contained study.html.

    Args:
        folder: of the study.
        study: content of study.json, with "disclaimer" and "notice".
        markdown: paragraphs and tables; empty ones are left out.
        page: template; it may import "study", which has `cell(found, digits, absent)` and `said(conclusion, assumed)`.
        values: what the template asks for beside the study.
    """
    write_json(folder / "study.json", study)
    write_text(folder / "study.md", "\n\n".join(part for part in markdown if part) + "\n")
    about = {"disclaimer": study["disclaimer"], "notice": study["notice"], "study": study}
    write_text(folder / "study.html", render_page(page, about | dict(values), {"study": _MACROS}))
