"""What the round control saw in a run: odd updates, quarantined sites, void rounds, late replies, orders."""

from collections.abc import Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]


def incidents(entries: Sequence[Entry]) -> list[dict[str, str]]:
    """Everything a coordinator should know about beside who was left out, oldest first.

    Args:
        entries: the ledger's lines.

    Returns:
        Rows of "when", "site" ("" for the whole run) and "what".
    """
    rows: list[dict[str, str]] = []
    played, silent = 0, None
    for entry in entries:
        if entry["kind"] == "round":
            played = entry["round"]
        when = f"round {entry.get('round', played)}" if played or "round" in entry else "before the first round"
        rows += [{"when": when, "site": site, "what": what} for site, what in _of_entry(entry)]
        if entry["kind"] == "round" and entry.get("secure") and entry["secure"]["silent"] != silent:
            silent = entry["secure"]["silent"]
            rows.append({"when": when, "site": "", "what": _of_secure_sum(silent)})
    return rows


def _of_entry(entry: Entry) -> list[tuple[str, str]]:
    match entry["kind"]:
        case "round":
            return [
                (site, f"counted with its plain share at most: {doubt}")
                for site, part in entry["sites"].items()
                for doubt in part["doubts"]
            ]
        case "quarantined":
            return [(entry["site"], f"no longer asked, until the coordinator readmits it: {entry['reason']}")]
        case "joined":
            return [(entry["site"], "joined the run")]
        case "distances":
            told = "what it told of its patients' images was left out"
            return [(site, f"{told}: {why}") for site, why in entry["refused"].items()]
        case "refused":
            return [(entry["node"], f"did not fit: {entry['reason']}")]
        case "late":
            return [(entry["site"], "replied to a closed round; the reply was dropped")]
        case "round-void":
            return [("", f"{entry['question']} was void: too few good replies, or too few for the strategy")]
        case "order":
            order = entry["order"]
            return [(str(order.get("site", "")), f"the coordinator's order: {order['kind']}")]
        case "paused":
            return [("", f"the run paused: {entry['reason']}")]
        case "resumed":
            return [("", f"the run was resumed after round {entry['round']}")]
        case "restored":
            return [("", f"the run's folder was restored from a backup of {entry['backup']}")]
        case _:
            return []


def _of_secure_sum(silent: Sequence[str]) -> str:
    told = "from here on per-site numbers are not known to the coordinator: secure sum"
    if silent:
        told += f"; not trained, because too few hospitals can speak for them: {', '.join(silent)}"
    return told


INCIDENTS = """<h2>What the round control noticed</h2>
{% if incidents %}
<div class="scroll"><table>
<thead><tr><th scope="col">When</th><th scope="col">Hospital</th><th scope="col">What</th></tr></thead>
<tbody>
{% for row in incidents %}
<tr><td>{{ row.when }}</td><th scope="row">{{ row.site or "the whole run" }}</th><td>{{ row.what }}</td></tr>
{% endfor %}
</tbody></table></div>
{% else %}
<p>Nothing: no odd update, no void round, no interruption.</p>
{% endif %}
"""
"""The part of the report's page; needs `incidents`."""
