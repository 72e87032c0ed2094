"""The template of the privacy study's study.html."""

PRIVACY_PAGE = """
{% extends "base" %}
{% import "tables" as tables %}
{% from "study" import cell, said %}
{% block title %}What privacy costs, and what attacks gain ({{ study.size.mode }}){% endblock %}
{% block body %}
<p>{{ study.size.sites }} phantom hospitals of {{ study.size.train }} training patients, delta
{{ study.size.delta }}. Intervals are 95 %.</p>
{% for name, reason in study.failures.items() %}
<div class="verdict failed"><strong>{{ name }} failed.</strong> {{ reason }}</div>
{% endfor %}
{{ said(conclusion, assumed) }}

<h2>Utility against epsilon</h2>
<div class="scroll"><table>
<caption>Released model on test patients; the budget of the hospital that paid most</caption>
<thead><tr><th scope="col">Budget</th>{% for label in study.measures.values() %}<th scope="col">{{ label }}</th>
{% endfor %}<th scope="col">Noise</th><th scope="col">Rate</th><th scope="col">Steps</th><th scope="col">Epsilon</th>
<th scope="col">PRV</th><th scope="col">RDP</th><th scope="col">Verdict</th></tr></thead><tbody>
{% for row in study.utility %}
<tr><th scope="row">{{ row.arm }}</th>{% for name in study.measures %}{{ cell(row.measures[name]) }}{% endfor %}
{% if row.spent %}<td>{{ row.spent.noise | number(2) }}</td><td>{{ row.spent.rate | number(3) }}</td>
<td>{{ row.spent.steps }}</td><td>{{ row.spent.epsilon | number(2) }}</td>
<td>{{ row.spent.again.prv | number(2) }}</td><td>{{ row.spent.again.rdp | number(2) }}</td>
{% else %}<td class="absent" colspan="6">no protection</td>{% endif %}<td>{{ row.verdict }}</td></tr>
{% endfor %}
</tbody></table></div>

<h2>Was this patient in the training set?</h2>
<div class="scroll"><table>
<caption>0.5 is guessing; shares of members found with exact intervals</caption>
<thead><tr><th scope="col">Models</th><th scope="col">Attack</th><th scope="col">n</th><th scope="col">AUROC</th>
<th scope="col">Found at 1 % false alarms</th><th scope="col">at 0.1 %</th></tr></thead><tbody>
{% for row in study.membership %}
<tr><th scope="row">{{ row.arm }}</th><td>{{ row.attack }}</td><td>{{ row.models }}</td>{{ cell(row.auroc) }}
{% for each in row.found %}
<td>{{ each.found }} of {{ each.members }}<span class="ci">{{ each.interval | interval(3) }};
{{ each.alarms }} of {{ each.strangers }} strangers</span></td>
{% endfor %}</tr>
{% endfor %}
</tbody></table></div>

<h2>The image from an update</h2>
<div class="scroll"><table>
<caption>Means over patients: the attacker's guess, the mean of other brains, noise</caption>
<thead><tr><th scope="col">The attacker sees</th><th scope="col">n</th><th scope="col">Guess</th>
<th scope="col">Correlation</th><th scope="col">PSNR, dB</th><th scope="col">SSIM</th><th scope="col">Rank</th>
</tr></thead><tbody>
{% for row in study.inversion %}{% for name, found in row.likeness.items() %}
<tr><th scope="row" class="long">{{ row.given }}</th><td>{{ row.patients }}</td><td>{{ name }}</td>
<td>{{ found.correlation | number(2) }}</td><td>{{ found.psnr | number(1) }}</td><td>{{ found.ssim | number(2) }}</td>
<td>{% if name == "guess" %}{{ row.ranks | join(", ") }} of {{ row.candidates }}{% endif %}</td></tr>
{% endfor %}{% endfor %}
</tbody></table></div>
{% if pictures %}
{{ tables.figure(pictures, "FLAIR of a phantom, the slice with most tumour: the truth, what the attacker made of the
update, and two guesses that need no update.") }}
{% endif %}
{% endblock %}
"""
