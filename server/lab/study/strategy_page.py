"""The template of the strategy study's study.html."""

STRATEGY_PAGE = """
{% extends "base" %}
{% import "tables" as tables %}
{% block title %}Which way of averaging is worth having ({{ study.size.mode }}){% endblock %}
{% macro cell(found, digits=3) %}
{% if found is none or found.value is none %}<td class="absent">not measured</td>
{% else %}<td>{{ found.value | number(digits) }}
{% if found.interval %}<span class="ci">{{ found.interval | interval(digits) }}</span>{% endif %}
{% if found.verdict is defined and found.verdict in ("better", "worse", "at chance") %}
<span class="ci">{{ found.verdict }}</span>{% endif %}</td>{% endif %}
{% endmacro %}
{% block body %}
<p>{{ study.arms | length }} arms, {{ study.seeds | length }} seeds, {{ study.test_cases }} test phantoms with true
labels and masks, the same for every arm. {{ study.sites | length }} phantom hospitals: two hold most of the cases, and
one of these has wrong labels; the others lack a sequence, a task, all labels, or a working scanner. All arms share the
splits, the seeds, the first weights, the curriculum and the number of local steps.</p>
{% for name, reason in study.failures.items() %}
<div class="verdict failed"><strong>{{ name }} failed.</strong> {{ reason }}</div>
{% endfor %}

<h2>What won</h2>
{% for line in conclusion %}<p>{{ line }}</p>
{% endfor %}
{% if forest %}{{ tables.figure(forest, "Each row is one arm against masked FedAvg. A bar that crosses the line is not
resolved: the study is too small to say, not proof that there is no difference.") }}{% endif %}
<div class="scroll"><table>
<caption>Arm minus masked FedAvg, with 95 % interval</caption>
<thead><tr><th scope="col">Arm</th>
{% for name in shown %}<th scope="col">{{ study.measures[name].label }}</th>{% endfor %}
<th scope="col">Outcome</th></tr></thead><tbody>
{% for row in study.differences %}
<tr><th scope="row" class="long">{{ titles[row.arm] }}</th>
{% for name in shown %}{{ cell(row.measures[name]) }}{% endfor %}<td>{{ row.outcome }}</td></tr>
{% endfor %}
</tbody></table></div>
<p class="note">An interval comes from drawing seeds, then patients, with repeats, the same for every arm.
{{ study.seeds | length }} seeds say little about their own spread. "win": at least one of
{% for name in study.primary %}{{ study.measures[name].label }}{{ ", " if not loop.last }}{% endfor %} is better beyond
its interval and none is worse; "mixed": some better, some worse. With {{ comparisons }} intervals about
{{ (comparisons * 0.05) | round(1) }} exclude 0 by chance, and {{ study.seeds | length }} seeds do not show
all of what runs differ by anyway: float16 and int8 updates change next to nothing, so their rows are the yardstick for
the others. Brier: lower is better. "at chance":
neither of the two reads IDH better than a guess (interval of the AUROC above 0.5), so nothing is better or worse.</p>

<h2>Every arm</h2>
<div class="scroll"><table>
<caption>Means over seeds, with 95 % interval</caption>
<thead><tr><th scope="col">Arm</th>
{% for name in shown %}<th scope="col">{{ study.measures[name].label }}</th>{% endfor %}
<th scope="col">Worst hospital</th></tr></thead><tbody>
{% for arm in study.arms %}
<tr><th scope="row" class="long">{{ arm.title }}</th>
{% for name in shown %}{{ cell(arm.measures[name]) }}{% endfor %}<td>{{ arm.worst_site or "none" }}</td></tr>
{% endfor %}
</tbody></table></div>

<h2>Hospital by hospital</h2>
<div class="scroll"><table>
<caption>Mean Dice of each hospital's test cases; arm minus masked FedAvg, but masked FedAvg itself</caption>
<thead><tr><th scope="col">Arm</th>
{% for name, cases in study.sites.items() %}<th scope="col">{{ name }} ({{ cases }} training cases)</th>{% endfor %}
</tr></thead><tbody>
{% for arm in study.arms if arm.name == study.baseline %}
<tr class="pooled"><th scope="row" class="long">{{ arm.title }}</th>
{% for name in study.sites %}{{ cell(arm.measures["at_" ~ name]) }}{% endfor %}</tr>
{% endfor %}
{% for row in study.differences %}
<tr><th scope="row" class="long">{{ titles[row.arm] }}</th>
{% for name in study.sites %}{{ cell(row.measures["at_" ~ name]) }}{% endfor %}</tr>
{% endfor %}
</tbody></table></div>

<h2>How loudly each hospital spoke</h2>
<div class="scroll"><table>
<caption>Share of the decoder's weight, mean over rounds; in brackets the share of rounds left out, and found
odd</caption>
<thead><tr><th scope="col">Arm</th>
{% for name in study.sites %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead><tbody>
{% for arm in study.arms if arm.traffic %}
<tr><th scope="row" class="long">{{ arm.title }}</th>
{% for name in study.sites %}<td>{{ arm.traffic.voice[name] | number(2) }}
{% if arm.traffic.left_out[name] or arm.traffic.doubted[name] %}<span class="ci">({{ arm.traffic.left_out[name]
| number(2) }}, {{ arm.traffic.doubted[name] | number(2) }})</span>{% endif %}</td>{% endfor %}</tr>
{% endfor %}
</tbody></table></div>
<p class="note">Trimmed mean, median and Krum weigh by value, not by hospital: their shares are those they were
offered.</p>

<h2>Bytes and hours</h2>
<div class="scroll"><table>
<caption>One round: megabytes of all hospitals together, and hours at hospitals as slow as FeTS's (simulated)</caption>
<thead><tr><th scope="col">Arm</th><th scope="col">Sent, MB</th><th scope="col">Received, MB</th>
<th scope="col">Hours, waiting for all</th><th scope="col">Hours, soft deadline</th>
<th scope="col">Left out by the soft deadline</th><th scope="col">Training on this machine, s</th></tr></thead><tbody>
{% for arm in study.arms if arm.traffic %}{% set simulated = arm.traffic.simulated %}
<tr><th scope="row" class="long">{{ arm.title }}</th><td>{{ arm.traffic.sent_mb | number(2) }}</td>
<td>{{ arm.traffic.received_mb | number(2) }}</td><td>{{ simulated.hours_all | number(2) }}</td>
<td>{{ simulated.hours_soft | number(2) }}</td>
<td>{% for name, share in simulated.cut.items() if share %}{{ name }} {{ (100 * share) | number(0) }} %
{% else %}nobody{% endfor %}</td>
<td>{{ arm.train_s | number(0) if arm.train_s is not none else "kept" }}</td></tr>
{% endfor %}
</tbody></table></div>
<p class="note">Bytes are the ledger's, of the weights of this study's small network. Hours: seconds per patient and per
transfer are drawn for every hospital from the least, median and largest of the real FeTS federation (log-uniform on
either side of the median; transfers in proportion to their bytes), cases are scaled to {{ patients }} patients in all,
and a hospital's time varies by {{ spread }} (standard deviation of its logarithm, assumed) from round to round. The
deadline is the coordinator's own rule, with a majority as quorum and a day as the longest wait.</p>
{% endblock %}
"""
