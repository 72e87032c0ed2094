"""The template of study.html of a study of the detector."""

NOVELTY_PAGE = """
{% extends "base" %}
{% from "study" import cell, said %}
{% block title %}Are strange images found? ({{ study.size.mode }}){% endblock %}
{% block body %}
{{ said(study.conclusion, assumed) }}
<h2>False alarms</h2>
<div class="scroll"><table>
<caption>Unseen patients of the federation's hospitals; 5 % and 1 % are intended, intervals are 95 %</caption>
<thead><tr><th scope="col">Hospital</th><th scope="col">n</th><th scope="col">Share warned about</th>
<th scope="col">Share abstained from</th></tr></thead><tbody>
{% for row in study.alarms %}
<tr><th scope="row">{{ row.name }}</th><td>{{ row.cases }}</td>{{ cell(row.warned, 2) }}{{ cell(row.out, 2) }}</tr>
{% endfor %}
</tbody></table></div>
<h2>Phantoms</h2>
<div class="scroll"><table>
<caption>Unseen cases against the sums of {{ study.size.train }} training patients of each of four hospitals; AUROC
against unseen patients of these, 0.5 is guessing; intervals are 95 %; distances end at {{ most | number(0) }}</caption>
<thead><tr><th scope="col">Cases</th><th scope="col">n</th><th scope="col">Not assessable</th>
<th scope="col">Median distance</th><th scope="col">AUROC</th><th scope="col">Share warned about</th>
<th scope="col">Share abstained from</th></tr></thead><tbody>
{% for row in study.groups %}
<tr><th scope="row" class="long">{{ row.name }}</th><td>{{ row.cases }}</td><td>{{ row.not_assessable }}</td>
<td>{% if row.median_distance is not none %}{{ row.median_distance | number(1) }}{% endif %}</td>
{{ cell(row.auroc, 3, "") }}{{ cell(row.warned, 2) }}{{ cell(row.out, 2) }}</tr>
{% endfor %}
</tbody></table></div>
{% if study.network %}
<h2>The network's own features</h2>
<div class="scroll"><table>
<caption>Cases with all four sequences against {{ study.network.usual }} unseen ones; AUROC, the gain of both over the
images alone, intervals are 95 %. Warned about where either is beyond its 97.5 %, of usual patients:
{{ study.network.alarms.value | number(2) }} ({{ study.network.alarms.interval | interval(2) }})</caption>
<thead><tr><th scope="col">Cases</th><th scope="col">n</th><th scope="col">Images</th><th scope="col">Network</th>
<th scope="col">Both</th><th scope="col">Gain</th></tr></thead><tbody>
{% for row in study.network.groups %}
<tr><th scope="row" class="long">{{ row.name }}</th><td>{{ row.cases }}</td>{{ cell(row.images) }}
{{ cell(row.network) }}{{ cell(row.both) }}{{ cell(row.gain) }}</tr>
{% endfor %}
</tbody></table></div>
{% endif %}
{% if study.real %}
<h2>Real cases, one of each kind</h2>
<div class="scroll"><table>
<caption>Distance from a Gaussian of the gliomas; a rank among them, no AUROC</caption>
<thead><tr><th scope="col">Case</th><th scope="col">Distance</th><th scope="col">Gliomas, each left out once</th>
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
