"""A report as a page that prints as it reads: the same content as the PDF, in the hospital's own browser."""

import base64
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment

from client.reading_room.jinja import environment_of
from client.reading_room.reports.content import Picture, Report


@dataclass(frozen=True, kw_only=True)
class Around:
    """What the page offers beside the report; none of it is printed.

    Attributes:
        case: address of the study's page.
        pdf: address of the same report as PDF.
        languages: code and address of the report in each language.
    """

    case: str
    pdf: str
    languages: tuple[tuple[str, str], ...]


LANGUAGE_NAMES = {"en": "English", "de": "Deutsch", "zh": "中文"}


def to_html(report: Report, around: Around) -> str:
    """The whole page."""
    template = _environment().get_template("report.html")
    return template.render(report=report, around=around, language_names=LANGUAGE_NAMES)


def _data_address(picture: Picture) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"


@cache
def _environment() -> Environment:
    environment = environment_of("client.reading_room.reports")
    environment.filters["data_address"] = _data_address
    environment.filters["kind"] = lambda block: type(block).__name__
    return environment
