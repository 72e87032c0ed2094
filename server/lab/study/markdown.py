"""The study as Markdown tables, to paste into a README."""

from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = ("dice_wt", "dice_tc", "dice_et", "subset_wt", "auroc_idh", "auroc_histology", "auroc_codel", "nll_idh")


def to_markdown(study: Mapping[str, Any]) -> str:
    """Arms, expectations and gaps as tables; every number with its 95 % interval."""
    titles = {arm["name"]: arm["title"] for arm in study["arms"]}
    measures = study["measures"]
    arms = [
        [arm["title"], f"{arm['labelled']} %", *(number(arm["measures"].get(name)) for name in COLUMNS)]
        for arm in study["arms"]
    ]
    expectations = [
        [
            row["claim"],
            f"{titles[row['arm']]} vs {titles[row['baseline']]}",
            row["label"],
            row["expected"],
            number(row["difference"], signed=True),
            row["verdict"],
            row["outcome"],
        ]
        for row in study["expectations"]
    ]
    gaps = [[titles[row["arm"]], row["label"], _share(row)] for row in study["gaps"]]
    parts = [
        f"Method study `{study['size']['mode']}`: {len(study['seeds'])} seeds, {study['test_cases']} test phantoms, "
        f"95 % intervals from a paired bootstrap over seeds and cases. {study['notice']} {study['disclaimer']}",
        table(["Arm", "Labelled", *(measures[name]["label"] for name in COLUMNS)], arms),
        table(["Claim", "Compared", "Measure", "Expected", "Difference", "Verdict", "Claim is"], expectations),
        table(["Arm", "Measure", "Share of the label gap recovered"], gaps) if gaps else "",
        _warnings(study),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _warnings(study: Mapping[str, Any]) -> str:
    lines = [
        f"**Leak suspected** in {arm['title']}: IDH AUROC above the pictures' ceiling."
        for arm in study["arms"]
        if arm["leak_suspected"]
    ]
    lines += [f"**Failed**: {name}: {reason}" for name, reason in study["failures"].items()]
    return "\n\n".join(lines)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell becomes a slash."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def number(found: Mapping[str, Any] | None, *, signed: bool = False) -> str:
    """A value with its interval."""
    if found is None or found["value"] is None:
        return "not measured"
    form = "+.3f" if signed else ".3f"
    ends = found["interval"]
    return f"{found['value']:{form}}" + (f" ({ends[0]:{form}} to {ends[1]:{form}})" if ends else "")


def _share(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return "unresolved: the gap itself is not"
    ends = row["interval"]
    return f"{row['value']:.0%}" + (f" ({ends[0]:.0%} to {ends[1]:.0%})" if ends else "")
