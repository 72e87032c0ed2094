"""What the project's pages point at is there: linked files, headings, and files named in running text."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ("*.md", "deploy/**/*.md", "client/**/*.md", "server/*.md", "gmmas_core/*.md")
PAGES = [path for pattern in PATTERNS for path in sorted(ROOT.glob(pattern))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
MODULES = [path for room in ("gmmas_core", "server", "client", "tests") for path in (ROOT / room).rglob("*.py")]


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=str)
def test_named_modules_exist(page: Path) -> None:
    for name in re.findall(r"`([\w/*]+\.py)[`:]", page.read_text()):
        assert any(module.match(name) for module in MODULES), name
