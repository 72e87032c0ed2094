"""The page's sections about the method: what the model was taught, and how far to trust it with what is missing."""

TRUST = """\
{% import "tables" as tables with context %}
{% import "method_tables" as method with context %}
{% if trust or temperatures %}
<h2>Are the probabilities calibrated?</h2>
{% if temperatures %}
<p>Before it becomes a probability, what the network says is divided by a temperature, fitted on the sites' validation
cases together: above 1 the network was too sure, below 1 not sure enough.</p>
<div class="scroll"><table>
<caption>Temperatures, and what they were fitted on</caption>
<thead><tr><th scope="col">Answer</th><th scope="col">Temperature</th><th scope="col">Cases</th>
<th scope="col">Of the rarer class</th><th scope="col">Outcome</th></tr></thead>
<tbody>
{% for row in temperatures %}
<tr><th scope="row">{{ row.name }}</th>
<td{% if not row.temperature %} class="absent"{% endif %}>{{ row.temperature or "none" }}</td>
<td>{{ row.cases or "none" }}</td><td>{{ row.rarer }}</td><td>{{ row.outcome }}</td></tr>
{% endfor %}
</tbody></table></div>
{% endif %}
{% if trust %}
<h3>On the holdout cases</h3>
{% if not temperatures %}
<p>This run had no calibration: the probabilities are the network's own.</p>
{% endif %}
{{ method.trust(trust) }}
{% endif %}
{% endif %}
"""

SEQUENCES_SECTION = """\
{% import "method_tables" as method with context %}
{% if subsets %}
<h2>When sequences are missing</h2>
<p>The global model on the holdout cases, given only some of the sequences.</p>
{{ method.subsets(subsets) }}
{% endif %}
{% if worth %}
<h2>What each sequence is worth</h2>
{{ method.worth(worth) }}
{% endif %}
"""

PSEUDO_LABELS = """\
{% if pseudo_labels %}
<h2>What the unlabelled cases were given</h2>
{% for row in skipped %}
<div class="verdict failed"><strong>{{ row.site }}: no pseudo-label for {{ row.what }} was used.</strong><br>{{ row.why
}}</div>
{% endfor %}
<p>The global model answered what a training case lacks; an answer that was sure enough was taught on as if it were
known.
The answers themselves stay in their hospital. The audit tries the same rules on validation cases whose answer is known,
and counts those that they would have accepted; where it fails, nothing is used.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">Hospital</th><th scope="col">Cases asked</th><th scope="col">Accepted</th>
<th scope="col">Cases audited</th><th scope="col">Audit</th><th scope="col">Used</th></tr></thead>
<tbody>
{% for group in pseudo_labels %}
<tr class="group"><th scope="rowgroup" colspan="6">{{ group.what }}</th></tr>
{% for row in group.rows %}
<tr><th scope="row">{{ row.site }}</th><td>{{ row.asked or "none" }}</td>
<td{% if not row.accepted %} class="absent"{% endif %}>{{ row.accepted or "nothing asked" }}</td>
<td>{{ row.audited or "none" }}</td>
<td{% if not row.audited %} class="absent"{% endif %}>{{ row.audit }}</td>
<td{% if row.skipped %} class="silent"{% endif %}>{{ row.used }}</td></tr>
{% endfor %}
{% endfor %}
</tbody></table></div>
<p class="note">"None" can also mean fewer cases than a hospital lets out. Without an audit nobody knows how good the
accepted answers are, and an audit of very few cases decides nothing.</p>
{% endif %}
"""

STAGES = """\
{% if stages %}
<div class="scroll"><table>
<caption>The stages, in the order in which they were played</caption>
<thead><tr><th scope="col">Stage</th><th scope="col">Rounds</th><th scope="col">Learning rate</th>
<th scope="col">Time</th></tr></thead>
<tbody>
{% for row in stages %}
<tr><th scope="row">{{ row.name }}</th><td>{{ row.rounds }}</td><td>{{ row.lr }}</td>
<td>{{ row.duration_s | seconds }}</td></tr>
{% endfor %}
</tbody></table></div>
{% endif %}
"""

PARTS = {"trust": TRUST, "sequences": SEQUENCES_SECTION, "pseudo_labels": PSEUDO_LABELS, "stages": STAGES}
"""Name under which the page includes each."""
