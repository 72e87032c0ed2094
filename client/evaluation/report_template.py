"""The page of a hospital's own report."""

LOCAL_REPORT = """\
{% extends "base" %}
{% import "tables" as tables with context %}
{% import "method_tables" as method with context %}
{% block title %}{{ site }}: the {{ model_name }} model on its own {{ split_name }}{% endblock %}
{% block body %}
<div class="banner notice" role="note">This page has results of single cases, under pseudonyms, and pictures of
patients. It
was made at {{ site }} and stays there.</div>
<p class="faint">{% if model_id %}Model <code>{{ model_id }}</code>{% else %}Run <code>{{ run_id }}</code>, after round
{{ round }}{% endif %}; written {{ written | when }}. {{ cases |
length | cases
| capitalize }}, {{ summary.cases.reference_masks or "none" }} with a reference mask. Intervals: {{ summary.intervals
}}.</p>
{% if not cases %}
<p><b>There are no {{ split_name }} at this hospital,</b> so there is nothing to score. Cases are dealt to the splits
by
patient; the column <code>split</code> of <code>participants.tsv</code> decides where it is filled in.</p>
{% else %}

<h2>Outlining the tumour</h2>
{{ tables.segmentation(rows, "The " ~ model_name ~ " model on this hospital's cases") }}
{{ tables.segmentation_footnotes() }}
{% if risk %}
{{ tables.figure(risk, "Are the outlines worse where the model doubts them? Cases are dropped from the right, those with
the most entropy inside the outline first: the line should fall to the left. A case without an outline has no doubt to
rank by and is not in it.") }}
{% endif %}

<h2>Cases to look at</h2>
{% for image in images %}
<h3>{{ image.why | capitalize }} case by whole-tumour Dice: {{ image.case_id }}</h3>
{% if image.drawing %}
{{ tables.figure(image.drawing, "The axial slice with the most tumour, seen from the feet: the patient's right is on
the left.
A region that is empty in this slice has no outline; Dice is of the whole case.") }}
{% else %}
<p class="absent">The picture could not be drawn; failures.log in the site's state folder has the reason. The scores
are not
affected.</p>
{% endif %}
{% else %}
<p class="absent">No case has a reference mask to compare with.</p>
{% endfor %}

{% if tasks %}
<h2>Naming the tumour</h2>
{% for task in tasks %}
{{ tables.classification(rows, task, task | question) }}
{% endfor %}
{{ tables.classification_footnotes(binning) }}
{% if trust %}
<h3>Are the probabilities calibrated?</h3>
{{ method.trust(trust) }}
{% endif %}
{% endif %}

{% if missing %}
<h2>When sequences are missing</h2>
<p>The same cases, given only some of their sequences.</p>
{{ method.subsets(missing) }}
{% endif %}
{% if worth %}
<h2>What each sequence is worth</h2>
{{ method.worth(worth) }}
{% endif %}

<h2>Does it serve everybody alike?</h2>
<p>{% if cohort_floor > 1 %}Numbers about fewer than {{ cohort_floor }} patients (the site's cohort floor) are
suppressed.
{% endif %}
The smaller a group, the likelier a difference is chance.</p>
{{ method.groups(subgroups, tasks, cohort_floor) }}

<h2>Every case</h2>
<div class="scroll"><table>
<caption>Dice, HD95 (legacy) in mm, and for each question the probability above the known answer and, where stochastic
passes were made, the model's doubt (mutual information, 0 to 0.69 nats); lowest Dice first</caption>
<thead><tr><th scope="col">Case</th>
{% for region in regions %}<th scope="col">{{ region | upper }} Dice</th><th scope="col">HD95</th>{% endfor %}
{% for task in tasks %}<th scope="col">{{ headings[task] }}</th>{% endfor %}
<th scope="col">Remarks</th></tr></thead>
<tbody>
{% for case in cases %}
<tr><th scope="row">{{ case.case_id }}</th>
{% for region in regions %}
{% set score = case.regions[region] %}
{% if score %}
<td>{{ score.dice | number }}</td><td>{{ score.hd95_mm | number(1) }}</td>
{% else %}
<td class="absent" colspan="2">{{ "not assessable" if case.has_reference else "no reference" }}</td>
{% endif %}
{% endfor %}
{% for task in tasks %}
{% set found = case.tasks.get(task, {}) %}
<td>{{ found.get("probability") | number }}<span class="ci">{{ (found.get("label") or "label unknown") | replace("_",
" ") }}
{%- if found.get("epistemic") is not none %}<br>doubt {{ found.epistemic | number(3) }}{% endif %}</span></td>
{% endfor %}
<td>{% if case.abstained %}abstained: {{ case.abstained | join(", ") }}{% endif %}</td></tr>
{% endfor %}
</tbody></table></div>

<h2>What this page does not say</h2>
<ul>
<li>It is no evidence that the model helps a patient. {{ disclaimer }}</li>
<li>It rests on {{ cases | length | cases }} of one hospital. With fewer than five patients there is no interval, and
any
difference may be chance.</li>
<li>The reference masks were drawn by people or software and have errors of their own; look at the pictures before
believing
a number.</li>
</ul>
{% endif %}
{% endblock %}
"""
