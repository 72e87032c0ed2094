"""The page of a run's report, top to bottom in the order in which people ask."""

REPORT = """\
{% extends "base" %}
{% import "tables" as tables with context %}
{% block title %}Federated run {{ run.name }}{% endblock %}
{% block body %}
<p class="faint">{{ site_names | length }} hospitals, {{ run.rounds_played }} rounds, begun {{ run.begun | when }},
{% if run.finished %}finished {{ run.finished | when }}{% else %}not finished{% endif %}. Images and labels never left
their hospital: only model weights, counts and sums
did.
</p>
<div class="verdict {{ verdict.look }}"><strong>{{ verdict.heading }}</strong><br>{{ verdict.text }}</div>

{% if tiles %}
<div class="tiles">
{% for tile in tiles %}
<div class="tile">{{ tile.label }}<b class="{{ tile.look }}">{{ tile.value }}</b><small>{{ tile.small }}</small></div>
{% endfor %}
</div>
<p class="note">The global model on the holdout cases, which no training has seen, {{ num_holdout }} in all hospitals
together.
Everything with its n, per hospital and with every other model follows below.</p>
{% endif %}

<h2>Who took part, with what</h2>
<div class="scroll"><table>
<caption>Cases per hospital, and how many of the training cases have each image and each label</caption>
<thead><tr><th scope="col">Hospital</th><th scope="col">Training</th><th scope="col">Validation</th><th
scope="col">Holdout</th>
{% for sequence in sequences %}<th scope="col">{{ sequence }}</th>{% endfor %}
<th scope="col">Mask</th>{% for task in run.tasks %}<th scope="col">{{ TASKS[task] }}</th>{% endfor %}</tr></thead>
<tbody>
{% for name, site in sites.items() %}
{% set train = site.cases.get("train", 0) %}
<tr><th scope="row">{{ name }}</th>
{% for split in ("train", "validation", "holdout") %}<td>{{ site.cases.get(split, 0) or "none" }}</td>{% endfor %}
{% for sequence in sequences %}
<td{% if not site.sequences.get(sequence, 0) %} class="silent"{% endif %}>{{ site.sequences.get(sequence, 0) |
count(train) }}</td>
{% endfor %}
{% for label in ["segmentation"] + run.tasks %}
<td{% if not site.labels.get(label, 0) %} class="silent"{% endif %}>{{ site.labels.get(label, 0) | count(train) }}</td>
{% endfor %}
</tr>
{% else %}
<tr><td colspan="12" class="absent">no hospital has been enlisted yet</td></tr>
{% endfor %}
</tbody></table></div>

{% for split in splits %}
<h2>Results on the {{ split.name }}</h2>
{% if split.split == "train" %}
<p><b>These cases were trained on.</b> The numbers show that the network can learn, not how it does on new patients.</p>
{% elif split.split == "validation" %}
<p><b>These cases chose the round</b> and the temperatures: the numbers flatter the model a little.</p>
{% endif %}
<h3>Outlining the tumour</h3>
{{ tables.figure(split.bars, "Mean Dice per hospital, with its 95 % interval (thin line; none below five cases). n is
the
number of cases scored.") }}
{% if split.unreported %}
<p><b>Not all cases count here.</b> Whole-tumour scores were reported for
{% for row in split.unreported %}{{ row.scored or "none" }} of {{ row.cases }} at {{ row.site }}{{ ", " if not
loop.last }}
{%- endfor %}. The others have no reference mask, lack the sequences to judge them, or are fewer than their hospital
lets out
(its cohort floor); where that leaves nothing, this report says "no cases".</p>
{% endif %}
{% if split.threshold %}
<p>A yardstick without any network: one brightness threshold on FLAIR, chosen on these very cases, reaches a
whole-tumour
Dice of {{ split.threshold[1] | number }} (at {{ split.threshold[0] }} standard deviations above the brain's mean); the
{{ split.main }} model reaches {{ split.pooled_dice | number }}.</p>
{% endif %}
{{ tables.segmentation(split.tables[0].rows, "The " ~ split.tables[0].model ~ " model" ~
(", after round " ~ split.round if split.round else "")) }}
{{ tables.segmentation_footnotes() }}

{% if split.tasks %}
<h3>Naming the tumour</h3>
{% for task in split.tasks %}
{{ tables.classification(split.tables[0].rows, task, task | question) }}
{% endfor %}
{{ tables.classification_footnotes(split.binning) }}
{% if split.reliability %}
{{ tables.reliability(split.reliability) }}
{% endif %}
{% endif %}

<h3>The hospital that is served worst</h3>
<div class="scroll"><table>
<caption>The {{ split.main }} model's lowest result among the hospitals (highest, for HD95)</caption>
<thead><tr><th scope="col">Measure</th><th scope="col">Hospital</th><th scope="col">Value</th><th
scope="col">n</th></tr>
</thead>
<tbody>
{% for row in split.worst %}
<tr><th scope="row">{{ row.what }}</th><td{% if not row.value %} class="absent"{% endif %}>{{ row.site }}</td>
<td>{{ row.value }}</td><td>{{ row.n }}</td></tr>
{% endfor %}
</tbody></table></div>
{% endfor %}

{% include "trust" %}
{% include "sequences" %}
{% include "pseudo_labels" %}

{% if curves %}
<h2>How the training went</h2>
{% include "stages" %}
{% for curve in curves %}
{{ tables.figure(curve.drawing, curve.caption) }}
{% endfor %}
<p class="note">{{ rounds | length }} rounds took {{ duration_s | seconds }} in all. A line is missing where a
hospital has no
such cases, or too few to let their numbers leave the house.
{%- if stages %} A dotted line is where a stage begins: what is taught changes there, and curves may jump.{% endif %}
</p>
{% endif %}

{% if weights %}
<h2>Who spoke for what</h2>
<p>The global model is made part by part.
{% if run.strategy == "masked_fedavg" %}
Each hospital counts with the number of its training cases that could teach that part anything.
{% else %}
How loudly each hospital speaks is decided by the strategy {{ run.strategy }}; the numbers are its weights.
{% endif %}
A hospital without a sequence or a label is silent for the part that reads or predicts it. Parts that stay at the
hospitals are spoken for by nobody.</p>
<div class="scroll"><table>
<caption>Weight of each hospital in round {{ weights.round }} ({{ weights.stage }}), the last that taught the
network: {{ "training cases" if run.strategy == "masked_fedavg" else "weight" }} (share of the mean)
{%- if weights.absent %}; left out of this round: {{ weights.absent | join(", ") }}{% endif %}</caption>
<thead><tr><th scope="col">Part of the network</th>{% for site in weights.sites %}<th scope="col">{{ site }}</th>{%
endfor %}</tr></thead>
<tbody>
{% for row in weights.rows %}
<tr><th scope="row" class="long">{{ row.groups | join(", ") }}</th>
{% if row.is_unspoken %}
<td class="silent" colspan="{{ weights.sites | length }}">nobody: these parameters keep their value</td>
{% else %}
{% for cell in row.cells %}
{% if cell.n %}
<td style="background: rgba(0, 114, 178, {{ "%.2f" | format(0.45 * cell.share) }})">{{ cell.n }}
({{ cell.share | percent }})</td>
{% else %}
<td class="silent">silent</td>
{% endif %}
{% endfor %}
{% endif %}
</tr>
{% endfor %}
</tbody></table></div>
{% endif %}

<h2>Who was left out, and why</h2>
{% if left_out %}
<div class="scroll"><table>
<thead><tr><th scope="col">When</th><th scope="col">Hospital</th><th scope="col">Reason</th></tr></thead>
<tbody>
{% for row in left_out %}
<tr><td>{{ row.when }}</td><th scope="row">{{ row.site }}</th><td>{{ row.why }}</td></tr>
{% endfor %}
</tbody></table></div>
{% else %}
<p>Nobody: every enlisted hospital was counted in every round and every evaluation.</p>
{% endif %}

{% include "incidents" %}
{% include "privacy" %}

{% include "software" %}

<h2>What this report does not say</h2>
<ul>
<li>It is no evidence that the model helps a patient. {{ disclaimer }}</li>
{% if notice %}
<li>{{ notice }}</li>
{% endif %}
<li>It rests on {{ num_holdout | cases }} in the holdouts of all hospitals together. Differences smaller than the
intervals, and any difference where there is no interval, may be chance.</li>
<li>Intervals here come from merged counts and take one case per patient; each hospital's own report resamples its
patients and has the exact numbers and the pictures.</li>
<li>"No cases" can also mean that a hospital has fewer cases of a kind than it lets out; such cases are missing from the
pooled numbers as well. This holds for every count by itself, so a reliability diagram and its ECE, or one class, can
rest
on fewer cases than the n of the table.</li>
<li>The age-only baseline beside IDH is not a model of this run: an image model that does not clearly beat it has
perhaps
only seen the patient's age.</li>
<li>Results hold for these hospitals, scanners and this way of choosing patients; elsewhere they have to be measured
again.</li>
</ul>

<h2>Use the model, check the run</h2>
<p>The model lies in <code>model/</code> beside this page. To read one case (a folder of NIfTI files) with it, in this
folder:</p>
<pre>gmmas-site predict CASE_FOLDER --model model --out out/</pre>
<p>To look at it as a radiologist would, on computer-generated studies of no person to begin with:</p>
<pre>gmmas-site reading-room --model model</pre>
<p>To verify that the record of this run has not been changed, and to write this page again from it:</p>
<pre>gmmas-coordinator audit verify .
gmmas-coordinator report .</pre>
<dl>
<dt>Run</dt><dd><code>{{ run.run_id }}</code></dd>
<dt>Model</dt><dd>{% if run.model_id %}<code>{{ run.model_id }}</code>{% else %}not released yet{% endif %}</dd>
<dt>Configuration</dt><dd><code>{{ run.config_hash }}</code></dd>
<dt>Core</dt><dd><code>{{ run.core_fingerprint }}</code></dd>
<dt>Network, strategy, seed</dt><dd>{{ run.model }}, {{ run.strategy }}, {{ run.seed }}</dd>
</dl>

{% for split in splits %}
{% for table in split.tables[1:] %}
<h2>For comparison: the {{ table.model }} model{{ "s" if table.model == "local only" }} on the {{ split.name }}</h2>
{% if table.model == "local only" %}
<p>Each hospital's own model, trained on its own cases alone for as many steps as the federation took, scored at that
hospital only; "pooled" adds these up.</p>
{% endif %}
{{ tables.segmentation(table.rows, "Outlining the tumour, " ~ table.model) }}
{% for task in split.tasks %}
{{ tables.classification(table.rows, task, (task | question) ~ ", " ~ table.model) }}
{% endfor %}
{% endfor %}
{% endfor %}
{% endblock %}
"""
