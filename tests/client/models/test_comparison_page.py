"""The page shows the release's own results, and says in words what is missing."""

import json
from pathlib import Path

from client.models.comparison_page import write_comparison
from client.models.holdout_results import results
from client.site import write_site
from gmmas_core.types import DISCLAIMER, Task


def test_a_hospital_without_holdout_cases_reads_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "north").mkdir()
    site = write_site(tmp_path / "north", "north", "canonical")
    content = {
        "disclaimer": DISCLAIMER,
        "notice": "",
        "site": "north",
        "name": "v1-01234567",
        "model_id": "smoke-0123456789ab",
        "cases": 0,
        "resamples": 20,
        "results": results([], (Task.IDH,), 20, 0),
        "comparisons": [],
        "left_out": [{"with": "a model in use", "reason": "there is none <yet>"}],
    }
    page = write_comparison(site, content)
    html = page.read_text()
    assert "There are no holdout cases at this hospital," in html
    assert html.count("not assessable: there is no holdout case") == 5
    assert "a model in use: there is none &lt;yet&gt;" in html
    assert "Verdict" not in html
    assert json.loads(page.with_name("comparison.json").read_text()) == content
