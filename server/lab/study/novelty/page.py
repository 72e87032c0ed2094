"""The template of study.html of a study of the detector."""

NOVELTY_PAGE = """
{% extends "base" %}
{% block title %}Are strange images found? ({{ study.size.mode }}){% endblock %}
{% macro cell(found, digits=2) %}
{% if not found or found.value is none %}<td class="absent">none</td>
{% else %}<td>{{ found.value | number(digits) }}
{% if found.interval %}<span class="ci">{{ found.interval | interval(digits) }}</span>{% endif %}</td>{% endif %}
{% endmacro %}
{% block body %}
<ul>{% for line in study.conclusion %}<li>{{ line }}</li>{% endfor %}</ul>
<h2>What has to be known</h2>
<ul>{% for line in assumed %}<li>{{ line }}</li>{% endfor %}</ul>
<h2>Phantoms</h2>
<div class="scroll"><table>
<caption>Unseen cases against the sums of {{ study.size.train }} training patients of each of four hospitals</caption>
<thead><tr><th scope="col">Cases</th><th scope="col">n</th><th scope="col">Not assessable</th>
<th scope="col">Median distance</th><th scope="col">AUROC</th><th scope="col">Warned about</th>
<th scope="col">Abstained from</th></tr></thead><tbody>
{% for row in study.groups %}
<tr><th scope="row" class="long">{{ row.name }}</th><td>{{ row.cases }}</td><td>{{ row.not_assessable }}</td>
<td>{% if row.median_distance is not none %}{{ row.median_distance | number(1) }}{% endif %}</td>
{{ cell(row.auroc, 3) }}{{ cell(row.warned) }}{{ cell(row.out) }}</tr>
{% endfor %}
</tbody></table></div>
{% if study.real %}
<h2>Real cases, one of each kind</h2>
<div class="scroll"><table>
<caption>Distance from a Gaussian of the gliomas; a rank among them, no AUROC</caption>
<thead><tr><th scope="col">Case</th><th scope="col">Distance</th><th scope="col">Gliomas</th>
<th scope="col">Farther than</th></tr></thead><tbody>
{% for row in study.real %}
<tr><th scope="row" class="long">{{ row.name }}</th><td>{{ row.distance | number(1) }}</td>
<td>{{ row.gliomas[0] | number(1) }} to {{ row.gliomas[1] | number(1) }}</td>
<td>{{ row.above }} of {{ row.of }}</td></tr>
{% endfor %}
</tbody></table></div>
{% endif %}
{% endblock %}
"""
