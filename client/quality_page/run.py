"""From a site folder to its rows: look at every case, compare the cases with each other."""

from collections.abc import Sequence
from dataclasses import dataclass

from client.checks.site_folder import site_problems
from client.policy.quality import rules_of
from client.quality_page.between import same_scans
from client.quality_page.examine import Progress, Task, examine_cases
from client.quality_page.page import Row, rows_of
from client.site import Site
from gmmas_core.data.manifest import Manifest
from gmmas_core.data.problems import Problem
from gmmas_core.quality import Rules


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """A site, looked at.

    Attributes:
        problems: what `gmmas-site check` says, errors first.
        general: those of them that concern the site as a whole.
        rows: one per case, gravest first.
        rules: the thresholds that were used.
    """

    problems: Sequence[Problem]
    general: Sequence[Problem]
    rows: Sequence[Row]
    rules: Rules


def inspect_site(manifest: Manifest, site: Site, workers: int, on_progress: Progress) -> Inspection:
    """Look at every case of a site; what was looked at before is taken from its state folder.

    Args:
        manifest: the site's table and folders.
        site: its settings; results are kept in its state folder.
        workers: processes, 0 for one per core.
        on_progress: called with (cases done, cases in all).
    """
    rules = rules_of(site.quality)
    task = Task(state=site.state, label_convention=site.label_convention, rules=rules)
    examined = examine_cases(manifest.cases, task, workers, on_progress)
    problems = site_problems(manifest, site, [one.report for one in examined])
    rows = rows_of(examined, manifest.problems, same_scans(examined, rules))
    general = [problem for problem in problems if problem.case_id is None]
    return Inspection(problems=problems, general=general, rows=rows, rules=rules)
