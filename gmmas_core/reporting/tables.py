"""The tables that every report shows, as Jinja macros over `summarise`-shaped numbers."""

TABLES = """
{% macro value(text, ends, digits=2) %}
<td{% if text in ("no cases", "not assessable") %} class="absent"{% endif %}>{{ text }}
{%- if ends %} <span class="ci">{{ ends | interval(digits) }}</span>{% endif %}</td>
{% endmacro %}

{% macro figure(drawing, caption) %}
<figure>
<div role="img" aria-label="{{ drawing.alt }}">{{ drawing.svg }}</div>
<figcaption>{{ caption }}</figcaption>
</figure>
{% endmacro %}

{% macro reliability(drawing) %}
{{ figure(drawing, "Do the probabilities come true? Points on the dotted line do. The number at a point counts the cases
behind it, whose predicted probabilities are similar; a few cases say nothing.") }}
{% endmacro %}

{% macro segmentation(rows, caption) %}
<div class="scroll"><table>
<caption>{{ caption }}</caption>
<thead><tr><th scope="col">Region and cases from</th><th scope="col">n</th><th scope="col">Dice</th>
<th scope="col">HD95, mm (legacy)</th><th scope="col">Lesion-wise Dice</th>
<th scope="col">Lesion-wise HD95, mm</th></tr></thead>
<tbody>
{% for region, name in REGIONS.items() %}
<tr class="group"><th scope="rowgroup" colspan="6">{{ name | capitalize }} ({{ region | upper }})</th></tr>
{% for label, summary in rows %}
{% set entry = summary.segmentation[region] %}
<tr{% if label == "pooled" %} class="pooled"{% endif %}><th scope="row">{{ label }}</th>
<td>{{ entry.n or "none" }}{% if entry.not_assessable %}<span class="ci">{{ entry.not_assessable }} not assessable
</span>{% endif %}</td>
{% for field, digits in (("dice", 2), ("hd95_mm", 1), ("lesion_dice", 2), ("lesion_hd95_mm", 1)) %}
{% set score = entry[field] %}
<td{% if not entry.n %} class="absent"{% endif %}>{{ score.mean | measured(entry.n, digits) }}
{% if score.interval %}<span class="ci">{{ score.interval | interval(digits) }}
{%- if score.quartiles %}; median {{ score.quartiles[1] | number(digits) }}{% endif %}</span>{% endif %}</td>
{% endfor %}
</tr>
{% endfor %}
{% endfor %}
</tbody></table></div>
{% endmacro %}

{% macro classification(rows, task, caption) %}
<div class="scroll"><table>
<caption>{{ caption }}</caption>
<thead><tr><th scope="col">Cases from</th><th scope="col">n (positive)</th><th scope="col">AUROC</th>
<th scope="col">AUPRC</th><th scope="col">Accuracy</th><th scope="col">Sensitivity</th><th scope="col">Specificity</th>
<th scope="col">Brier</th><th scope="col">NLL, nats</th><th scope="col">ECE</th></tr></thead>
<tbody>
{% for label, summary in rows %}
{% set entry = summary.classification[task] %}
<tr{% if label == "pooled" %} class="pooled"{% endif %}><th scope="row">{{ label }}</th>
<td>{{ entry.n or "none" }}{% if entry.n %} ({{ entry.positives }}){% endif %}
{% if entry.abstained %}<span class="ci">{{ entry.abstained }} abstained</span>{% endif %}</td>
{% for name in ("auroc", "auprc", "accuracy", "sensitivity", "specificity", "brier", "nll") %}
{{ value(entry[name].value | measured(entry.n), entry[name].interval) }}
{%- endfor %}
<td{% if not entry.n %} class="absent"{% endif %}>{{ entry.ece.value | measured(entry.n) }}
{% if entry.n %}<span class="ci">if calibrated {{ entry.ece.if_calibrated | number }}</span>{% endif %}</td>
</tr>
{% if task == "idh" %}
<tr><th scope="row">&nbsp;&nbsp;age alone</th>
<td>{{ entry.age_only.n or "none" }}</td>
{{ value(entry.age_only.auroc.value | measured(entry.age_only.n), entry.age_only.auroc.interval) }}
<td colspan="7" class="faint">the younger, the likelier mutant; no image</td></tr>
{% endif %}
{% endfor %}
</tbody></table></div>
{% endmacro %}

{% macro segmentation_footnotes() %}
<p class="note"><b>How to read this.</b> Dice is the overlap with the reference mask: 0 none, 1 perfect. HD95 is the
distance in mm within which 95 % of the two outlines agree: 0 is perfect. Means; below them 95 % intervals and medians,
where there are at least five cases. n is the number of cases with a reference mask in which the region can be
judged.</p>
<p class="note"><b>Empty regions, legacy convention (BraTS up to 2022).</b> Region absent from both reference and
result:
Dice 1, HD95 0 mm. Absent from exactly one of them: Dice 0, HD95 373.1 mm (the diagonal of the BraTS grid), which is why
a mean HD95 can be far from the median.</p>
<p class="note"><b>Lesion-wise convention (BraTS 2023).</b> Each separate lesion is scored by itself and the case is the
mean of its lesions. A missed lesion and a falsely found one each score Dice 0 and HD95 374 mm; reference lesions of at
most 0.05 mL are not scored; a case with nothing to score has Dice 1 and HD95 0 mm.</p>
{% endmacro %}

{% macro classification_footnotes(binning) %}
<p class="note"><b>How to read this.</b> AUROC is the chance that a positive case gets a higher probability than a
negative one: 0.5 is guessing, 1 perfect. AUPRC must be compared with the share of positive cases. Accuracy, sensitivity
and specificity are at a probability of 0.5. Brier score, NLL and ECE say how far to trust the probabilities themselves:
0 is perfect; always saying 0.5 gives Brier 0.25 and NLL 0.69. ECE: {{ binning }}; "if calibrated" is the ECE that a
perfectly calibrated model would show at this n. An AUROC needs both classes: with one only it is not assessable.
Intervals are 95 %; there is none where there are too few cases, or where the two classes are told apart without a
fault.
1p/19q is the marginal probability P(mutant) &times; P(codeleted | mutant).</p>
{% endmacro %}
"""
