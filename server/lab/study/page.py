"""The template of study.html."""

PAGE = """
{% extends "base" %}
{% import "tables" as tables %}
{% block title %}What each part of the method is worth ({{ study.size.mode }}){% endblock %}
{% macro cell(found, digits=3) %}
{% if found is none or found.value is none %}<td class="absent">not measured</td>
{% else %}<td>{{ found.value | number(digits) }}
{% if found.interval %}<span class="ci">{{ found.interval | interval(digits) }}</span>{% endif %}</td>{% endif %}
{% endmacro %}
{% block body %}
<p>{{ study.arms | length }} arms, {{ study.seeds | length }} seeds, {{ study.test_cases }} test phantoms of
{{ study.size.sites }} phantom hospitals, the same for every arm. Phantoms are images of nobody: a part of the method
that helps here may not help patients, and no number here says how well patients are read.</p>
{% for name, reason in study.failures.items() %}
<div class="verdict failed"><strong>{{ name }} failed.</strong> {{ reason }}</div>
{% endfor %}
{% for arm in study.arms if arm.leak_suspected %}
<div class="verdict failed"><strong>Leak suspected: {{ arm.title }}.</strong> Its AUROC of IDH is above what
the pictures can show.</div>
{% endfor %}

<h2>Expected and found</h2>
{% if forest %}{{ tables.figure(forest, "Each row is one claim. A bar that crosses the line is not resolved: the study
is too small to say, not proof that there is no difference.") }}{% endif %}
<div class="scroll"><table>
<caption>Arm minus baseline, with 95 % interval</caption>
<thead><tr><th scope="col">Claim</th><th scope="col">Arm</th><th scope="col">Baseline</th><th scope="col">Measure</th>
<th scope="col">Expected</th><th scope="col">Difference</th><th scope="col">Verdict</th><th scope="col">Claim is</th>
</tr></thead><tbody>
{% for row in study.expectations %}
<tr><th scope="row" class="long">{{ row.claim }}</th><td>{{ titles[row.arm] }}</td><td>{{ titles[row.baseline] }}</td>
<td>{{ row.label }}</td><td>{{ row.expected }}</td>{{ cell(row.difference) }}<td>{{ row.verdict }}</td>
<td>{{ row.outcome }}</td></tr>
{% endfor %}
</tbody></table></div>
{% if study.gaps %}
<div class="scroll"><table>
<caption>How much of what missing labels cost is won back (1 is all of it)</caption>
<thead><tr><th scope="col">Arm</th><th scope="col">Measure</th><th scope="col">Share of the gap</th></tr></thead><tbody>
{% for row in study.gaps %}
<tr><th scope="row">{{ titles[row.arm] }}</th><td>{{ row.label }}</td>
{% if row.value is none %}<td class="absent">unresolved: the gap itself is not</td>
{% else %}{{ cell(row, 2) }}{% endif %}
</tr>
{% endfor %}
</tbody></table></div>
{% endif %}

<h2>Every arm, every measure</h2>
<div class="scroll"><table>
<caption>Means over seeds, with 95 % interval</caption>
<thead><tr><th scope="col">Measure</th>
{% for arm in study.arms %}<th scope="col">{{ arm.title }}</th>{% endfor %}</tr></thead><tbody>
<tr><th scope="row">labelled</th>{% for arm in study.arms %}<td>{{ arm.labelled }} %</td>{% endfor %}</tr>
<tr><th scope="row">steps per hospital</th>{% for arm in study.arms %}<td>{{ arm.steps_per_site }}</td>{% endfor %}</tr>
{% for name, measure in study.measures.items() %}
<tr><th scope="row">{{ measure.label }} ({{ measure.better }} is better)</th>
{% for arm in study.arms %}{{ cell(arm.measures.get(name)) }}{% endfor %}</tr>
{% endfor %}
</tbody></table></div>
<p class="note">ECE: debiased, {{ binning }}. An interval comes from drawing seeds, then patients, with repeats, the
same for every arm. {{ study.seeds | length }} seeds say little about their own spread.</p>

<h2>Missing sequences</h2>
<div class="pair">
{% for title, drawing in subsets %}
<div><h3>{{ title }}</h3>{{ tables.figure(drawing, "Mean over the test cases with all four sequences that were read from
every subset. Every region is scored, also where a report would call it not assessable.") }}</div>
{% endfor %}
</div>

<h2>Calibration</h2>
{% for title, drawing in reliability %}
<h3>{{ title }}</h3>
{{ tables.figure(drawing, "Before and after temperatures; the predictions of all seeds together, n counts
predictions.") }}
{% endfor %}

<h2>Groups</h2>
<div class="scroll"><table>
<caption>Groups of at least {{ floor }} test cases: WT Dice and AUROC of IDH, means over seeds</caption>
<thead><tr><th scope="col">Group (n)</th>
{% for arm in study.arms %}<th scope="col">{{ arm.title }}</th>{% endfor %}</tr></thead><tbody>
{% for name, n in groups %}
<tr><th scope="row">{{ name }} ({{ n }})</th>
{% for arm in study.arms %}{% for row in arm.groups if row.group == name %}
<td>{{ row.dice_wt | number(3) }}<span class="ci">IDH {{ row.auroc_idh | number(3) }}</span></td>
{% endfor %}{% endfor %}</tr>
{% endfor %}
</tbody></table></div>

{% if composites %}
<h2>Tumor-CutMix composites</h2>
{% for title, drawing in composites %}
<h3>{{ title }}</h3>
{{ tables.figure(drawing, "Above the host, below the composite; the percentage is the host's share of the tumour.") }}
{% endfor %}
{% endif %}
{% endblock %}
"""
