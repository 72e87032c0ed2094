"""Templates to one self-contained page: no script, no font, no image and no style from anywhere else."""

from collections.abc import Mapping
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from gmmas_core.reporting.style import CSS
from gmmas_core.reporting.tables import TABLES
from gmmas_core.reporting.tables_method import METHOD_TABLES
from gmmas_core.reporting.wording import FILTERS, MODEL_NAMES, REGION_NAMES, STAGE_NAMES, TASK_NAMES

BASE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{% block title %}{% endblock %}</title>
<style>{{ css }}</style>
</head>
<body>
<header>
<h1>{{ self.title() }}</h1>
<div class="banner" role="note">{{ disclaimer }}</div>
{% if notice %}
<div class="banner notice" role="note">{{ notice }}</div>
{% endif %}
</header>
<main>
{% block body %}{% endblock %}
</main>
<footer class="note">{{ disclaimer }}{% if notice %} {{ notice }}{% endif %}</footer>
</body>
</html>
"""


def render_page(template: str, values: Mapping[str, Any], parts: Mapping[str, str] | None = None) -> str:
    """Fill a template that extends "base".

    Args:
        template: Jinja source; everything that is not `Markup` is escaped, an unknown name is an error.
        values: "disclaimer", "notice" and what the template asks for.
        parts: further templates by the name under which it includes them.

    Returns:
        A whole HTML page.
    """
    environment = Environment(
        loader=DictLoader(
            {"base": BASE, "tables": TABLES, "method_tables": METHOD_TABLES, "page": template, **(parts or {})}
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    environment.globals |= {
        "css": Markup(CSS),
        "REGIONS": REGION_NAMES,
        "TASKS": TASK_NAMES,
        "MODELS": MODEL_NAMES,
        "STAGES": STAGE_NAMES,
    }
    return environment.get_template("page").render(**values)
