"""The gate for the answer to the question who is there."""

from collections.abc import Sequence
from dataclasses import replace

from client.egress.floor import floor_in_cases, told_count
from client.egress.speech import told_counts
from client.site import Site
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.types import SEQUENCES, Case, DataError, SiteStatus, Task

SPLITS = ("train", "validation", "holdout")


def gate_status(status: SiteStatus, site: Site, tasks: tuple[Task, ...], train: Sequence[Case]) -> SiteStatus:
    """The status as it may leave.

    A split with fewer cases than the floor is told as 0. How many training cases have a sequence or a label is rounded
    as the counts of every later update are, see `told_count`: what an update says never exceeds what was told here.

    Args:
        status: as counted.
        site: its floor.
        tasks: of the run.
        train: training cases, of whom the sequences and labels are.

    Raises:
        DataError: a count under a name that this release does not know.
    """
    names = {*SPLITS, *SEQUENCES, SEGMENTATION, *(task.value for task in tasks)}
    if {*status.num_cases, *status.num_sequences, *status.num_labels} - names:
        raise DataError("policy: found counts of an unknown name; expected splits, sequences and labels")
    floor, of_train = site.cohort_floor, floor_in_cases(train, site.cohort_floor)
    return replace(
        status,
        num_cases={name: count if told_count(count, floor) else 0 for name, count in status.num_cases.items()},
        num_sequences=told_counts(status.num_sequences, of_train),
        num_labels=told_counts(status.num_labels, of_train),
    )
