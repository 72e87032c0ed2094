"""Tables about the method, as Jinja macros: trust in probabilities, missing sequences, groups of patients."""

METHOD_TABLES = """
{% import "tables" as tables with context %}

{% macro trust(part) %}
{{ tables.reliability(part.reliability) }}
{{ tables.figure(part.risk, "Is the model right where it is sure? Cases are dropped from the right, the least sure
first: the line should fall to the left. AURC is the area below it (0 is perfect).") }}
{{ tables.figure(part.decisions, "Would acting on the model help? Net benefit counts the true positives, less the false
ones at the price that the threshold implies. Below both other lines, the model does harm; nothing is clipped at 0, but
the axis ends at -0.1.") }}
{% if part.doubt %}
{{ tables.figure(part.doubt, "Does the model know when it does not know? Cases by the disagreement of its stochastic
passes; the bar is the gap between how sure it was and how often it was right. Pale bars are of fewer than five
cases.") }}
{% endif %}
<div class="scroll"><table>
<caption>How far to trust the probabilities</caption>
<thead><tr><th scope="col">Question and cases from</th><th scope="col">n</th><th scope="col">ECE, equal mass</th>
<th scope="col">Slope</th><th scope="col">Intercept</th><th scope="col">AURC</th>
<th scope="col">AURC above the best</th></tr></thead>
<tbody>
{% for task in part.tasks %}
<tr class="group"><th scope="rowgroup" colspan="7">{{ TASKS[task] }}</th></tr>
{% for label, summary in part.rows %}
{% set entry = summary.classification[task] %}
<tr{% if label == "pooled" %} class="pooled"{% endif %}><th scope="row">{{ label }}</th>
<td>{{ entry.n or "none" }}{% if entry.withheld %}<span class="ci">{{ entry.withheld }} more withheld</span>{% endif %}
</td>
<td{% if entry.ece_equal_mass.value is none %} class="absent"{% endif %}>
{{- entry.ece_equal_mass.value | measured(entry.n) }}
{% if entry.ece_equal_mass.value is not none and entry.ece_equal_mass.if_calibrated is not none %}
<span class="ci">if calibrated {{ entry.ece_equal_mass.if_calibrated | number }}</span>{% endif %}</td>
{% for name, digits in (("slope", 2), ("intercept", 2), ("aurc", 3), ("excess_aurc", 3)) %}
{{ tables.value(entry[name].value | measured(entry.n, digits), entry[name].interval, digits) }}
{%- endfor %}
</tr>
{% endfor %}
{% endfor %}
</tbody></table></div>
<p class="note"><b>How to read this.</b> ECE: {{ part.binning }}; "if calibrated" is what a perfectly calibrated model
would show at this n. Slope 1 and intercept 0 are perfect; a slope below 1 means too sure, a positive intercept too low;
both need both classes and answers that do not tell them apart without a fault. AURC is the mean share of wrong answers
over all shares of cases kept; above the best: what a perfect ranking by doubt would save. Intervals are 95 %.
{%- if part.withheld %} <b>Withheld</b> cases are of a class of which their hospital has too few to let their scores
out;
what their absence would shift is not assessable then.{% endif %}</p>
{% endmacro %}

{% macro subsets(part) %}
{{ tables.figure(part.drawing, "Filled dots: the sequences that the model was given. Deeper colours are better within a
column. Hatched: without T1c the enhancing tumour and the core cannot be told, whatever the model outlines, and a class
that is missing leaves no AUROC.") }}
<div class="scroll"><table>
<caption>The same in numbers, each with the cases behind it</caption>
<thead><tr><th scope="col">Sequences given</th><th scope="col">Cases that have them</th>
{% for title in part.columns %}<th scope="col">{{ title }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in part.rows %}
<tr><th scope="row">{{ row.names }}</th><td>{{ row.n or "none" }}</td>
{% for cell in row.cells %}
<td{% if cell.text in ("no cases", "not assessable") %} class="absent"{% endif %}>{{ cell.text }}
{%- if cell.n %}<span class="ci">n = {{ cell.n }}</span>{% endif %}</td>
{% endfor %}
</tr>
{% endfor %}
<tr class="pooled"><th scope="row" class="long">Mean over the subsets</th><td></td>
{% for mean in part.means %}
<td{% if not mean.over %} class="absent"{% endif %}>{{ mean.text }}
{%- if mean.over %}<span class="ci">over {{ mean.over }} of {{ part.rows | length }}</span>{% endif %}</td>
{% endfor %}
</tr>
</tbody></table></div>
<p class="note">A case counts in a row only if it has all of the row's sequences; with all four, every case is read with
what it has. Rows therefore rest on different cases. A mean leaves out the subsets without a value: two means over
different numbers of subsets cannot be compared.</p>
{% endmacro %}

{% macro worth(part) %}
{{ tables.figure(part.drawing, "Each case is read with all its sequences and again without one. The longer the bar, the
further the answers move: for outlines 1 - Dice between the two, for questions the mean absolute change of the
probability. A move is not yet a loss: it says nothing about which answer was right.") }}
<div class="scroll"><table>
<caption>Learned weight of each sequence, and how far the answers move without it</caption>
<thead><tr><th scope="col">Sequence</th><th scope="col">Weight, local branch</th>
<th scope="col">Weight, global branch</th>
{% for title in part.outputs %}<th scope="col">{{ title }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in part.rows %}
<tr><th scope="row">{{ row.name }}</th><td>{{ row.local | number(3) }}</td><td>{{ row.global | number(3) }}</td>
{% for cell in row.cells %}
<td{% if not cell.n %} class="absent"{% endif %}>{{ cell.text }}
{%- if cell.n %}<span class="ci">n = {{ cell.n }}</span>{% endif %}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody></table></div>
<p class="note">The four weights of a branch sum to 1; untrained, each is 0.25. They scale the images before layers that
may undo it: a large weight is a hint, not a proof.</p>
{% endmacro %}

{% macro groups(by_split, tasks, floor) %}
{% for split, groups in by_split.items() %}
<div class="scroll"><table>
<caption>By {{ split }}</caption>
<thead><tr><th scope="col">Group</th><th scope="col">n</th><th scope="col">Whole-tumour Dice</th>
{% for task in tasks %}<th scope="col">{{ TASKS[task] }}, AUROC</th><th scope="col">{{ TASKS[task] }}, Brier</th>
{%- endfor %}</tr></thead>
<tbody>
{% for name, group in groups.items() %}
<tr><th scope="row">{{ name }}</th>
<td{% if group.n.suppressed %} class="absent"{% endif %}>
{{- "fewer than " ~ floor if group.n.suppressed else group.n.value or "none" }}</td>
{{ leaf(group.dice_wt) }}
{% for task in tasks %}{{ leaf(group.classification[task].auroc) }}{{ leaf(group.classification[task].brier) }}
{%- endfor %}
</tr>
{% endfor %}
</tbody></table></div>
{% endfor %}
{% endmacro %}

{% macro leaf(found) %}
{% if found.suppressed %}
<td class="absent">suppressed</td>
{% else %}
<td{% if found.value is none %} class="absent"{% endif %}>{{ found.value | measured(found.n) }}
{%- if found.n %}<span class="ci">n = {{ found.n }}</span>{% endif %}</td>
{% endif %}
{% endmacro %}
"""
