"""What each side of a run was running: release, image, core and configuration, from the ledger."""

from collections.abc import Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]

COLUMNS = ("release", "image", "fingerprint", "config_hash")


def software_rows(entries: Sequence[Entry]) -> list[dict[str, str]]:
    """The coordinator, then the hospitals by name, each as it last said.

    Args:
        entries: the ledger's lines; those of older releases name less.

    Returns:
        Rows of "who" and COLUMNS, "" for what was not said; empty before the run has begun.
    """
    coordinator: Entry = {}
    sites: dict[str, Entry] = {}
    for entry in entries:
        match entry["kind"]:
            case "begun":
                coordinator = entry
            case "enlisted":
                coordinator = entry.get("coordinator", coordinator)
                sites |= entry["sites"]
            case "joined":
                sites[entry["site"]] = entry
    said = [("coordinator", coordinator)] if coordinator else []
    said += sorted(sites.items())
    return [{"who": who, **{column: str(about.get(column, "")) for column in COLUMNS}} for who, about in said]


SOFTWARE = """<h2>Which software each side ran</h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Who</th><th scope="col">Release</th><th scope="col">Image</th><th scope="col">Core</th>
<th scope="col">Configuration</th></tr></thead>
<tbody>
{% for row in software %}
<tr><th scope="row">{{ row.who }}</th><td>{{ row.release or "not named" }}</td>
<td>{{ row.image or "none named" }}</td><td><code>{{ row.fingerprint[:12] or "not named" }}</code></td>
<td><code>{{ row.config_hash[:12] or "not named" }}</code></td></tr>
{% else %}
<tr><td colspan="5" class="absent">the run has not begun</td></tr>
{% endfor %}
</tbody></table></div>
<p class="note">Core and configuration by the first 12 digits of their sha256; a hospital takes part only where both are
the coordinator's. Release and image are as each side states them; report.json has everything in full.</p>
"""
"""The part of the report's page; needs `software`."""
