"""The page's own template and style, on top of the reports' common ones."""

STYLE = """
.bar { display: flex; flex-wrap: wrap; gap: 12px 20px; align-items: end; margin: 1rem 0; }
.bar label { display: grid; font-size: .88rem; }
.bar select, .bar input { font: inherit; padding: .3rem .5rem; min-height: 2.4rem; }
.tablebox { max-height: 34rem; overflow: auto; border: 1px solid #d0d7de; }
.tablebox table { margin: 0; } .tablebox caption { padding-left: .6rem; }
.tablebox thead th { position: sticky; top: 0; background: #fff; }
th button, td button { font: inherit; font-weight: inherit; color: inherit; background: none; border: 0; padding: 0;
text-align: left; cursor: pointer; text-decoration: underline dotted; }
th[aria-sort=ascending] button::after { content: " \\25B2" / ""; }
th[aria-sort=descending] button::after { content: " \\25BC" / ""; }
.mark { display: inline-block; min-width: 3.6em; text-align: center; font-weight: 600; padding: 0 .4em; color: #fff;
background: #57606a; }
.mark.pass { background: #1a6b3c; } .mark.warn { background: #8a5300; } .mark.fail { background: #b31d28; }
section.case { border-top: 2px solid #1b1f24; padding-top: .4rem; margin-top: 2rem; content-visibility: auto;
contain-intrinsic-size: auto 760px; }
section.case[hidden] { display: none; }
.mosaic { display: grid; grid-template-columns: max-content 1fr; gap: 6px; background: #000; color: #fff; }
.mosaic ol { list-style: none; margin: 0; padding: 4px 0 4px 8px; display: grid; grid-auto-rows: 1fr;
align-items: center; font-size: .85rem; }
.mosaic img { width: 100%; height: auto; display: block; }
ul.flags { padding-left: 1.2rem; } ul.flags li { margin: .25rem 0; }
.sure { color: #00628f; } .tumour { background: #1b1f24; color: #ffe14d; padding: 0 .3em; }
@media print { .bar { display: none; } .tablebox { max-height: none; } }
"""

PAGE = """\
{% extends "base" %}
{% block title %}{{ site }}: are these cases fit for use?{% endblock %}
{% block body %}
<style>{{ style }}</style>
<div class="banner notice" role="note">This page and the folder <code>{{ folder }}</code> beside it hold pictures of
patients. They must not leave the hospital. After a patient was withdrawn, make the page anew.</div>
<p class="faint">Written {{ written }}. {{ rows | length | cases }}: {{ totals.fail }} fail, {{ totals.warn }} warn,
{{ totals.pass }} pass. A check that passes proves nothing; one that warns or fails asks a person to look. Thresholds:
{{ "this site's own where site.yaml moves them, else" if moved else "" }} the built-in ones.</p>
{% if general %}
<h2>The site folder as a whole</h2>
<ul class="flags">
{% for problem in general %}
<li><span class="mark {{ problem.mark }}">{{ problem.mark }}</span> {{ problem.text }}</li>
{% endfor %}
</ul>
{% endif %}
<h2>Cases</h2>
<form class="bar" onsubmit="return false">
<label>Verdict <select id="verdict"><option value="">all</option><option>fail</option><option>warn</option>
<option>pass</option></select></label>
<label>Flagged by <select id="check"><option value="">any check or none</option>
{% for count in counts if count.fail or count.warn %}
<option>{{ count.id }}</option>
{% endfor %}
</select></label>
<label>Words <input id="words" type="search" autocomplete="off"></label>
<output id="shown" for="verdict check words"></output>
</form>
<div class="tablebox" tabindex="0" role="region" aria-label="Table of cases"><table id="cases">
<caption>Every case of the site, those that could not be opened too; a click on a heading sorts</caption>
<thead><tr>
{% for head in ("Case", "Verdict", "Fails", "Warnings", "Not assessable", "What was found") %}
<th scope="col"><button type="button">{{ head }}</button></th>
{% endfor %}
</tr></thead>
<tbody>
{% for row in rows %}
<tr data-part="{{ row.anchor }}" data-verdict="{{ row.verdict }}" data-checks="{{ row.flagged }}">
<th scope="row"><a href="#{{ row.anchor }}">{{ row.case_id }}</a></th>
<td data-key="{{ row.gravity }}"><span class="mark {{ row.verdict }}">{{ row.verdict }}</span></td>
<td>{{ row.fails }}</td><td>{{ row.warnings }}</td><td>{{ row.open }}</td><td>{{ row.flagged or "nothing" }}</td></tr>
{% endfor %}
</tbody></table></div>
<h2>Checks</h2>
<div class="scroll"><table id="counts">
<caption>Answers per check, all cases and sequences; a click on a name shows the cases that it flags</caption>
<thead><tr><th scope="col">Check</th><th scope="col">Fail</th><th scope="col">Warn</th><th scope="col">Pass</th>
<th scope="col">Not assessable</th><th scope="col">Thresholds</th></tr></thead>
<tbody>
{% for count in counts %}
<tr><th scope="row">{% if count.fail or count.warn %}<button type="button" data-check="{{ count.id }}">{{ count.id }}
</button>{% else %}{{ count.id }}{% endif %}</th><td>{{ count.fail }}</td><td>{{ count.warn }}</td>
<td>{{ count.pass }}</td><td>{{ count.open }}</td><td>{{ count.rules }}</td></tr>
{% endfor %}
</tbody></table></div>
<h2>Pictures</h2>
<p>Every row is a sequence: five axial slices from below upwards, one coronal, one sagittal. The patient's right is on
the left (R), the face on the left of the sagittal slice (A). <span class="sure">Blue</span>: outline of the brain (of
what is not background where there is no brain mask). <span class="tumour">Yellow</span>: outline of the tumour mask
that the site gave.</p>
<div>
{% for row in rows %}
<section class="case" id="{{ row.anchor }}" aria-label="Case {{ row.case_id }}">
<h3><span class="mark {{ row.verdict }}">{{ row.verdict }}</span> {{ row.case_id }}</h3>
{% if row.picture %}
<div class="mosaic"><ol aria-hidden="true">
{% for name in row.sequences %}
<li>{{ name }}</li>
{% endfor %}
</ol><img loading="lazy" decoding="async" src="{{ row.picture }}" width="{{ row.width }}" height="{{ row.height }}"
alt="Slices of {{ row.sequences | join(', ') }} of case {{ row.case_id }} with outlines"></div>
{% else %}
<p class="absent">No picture: no image of this case could be drawn.</p>
{% endif %}
{% if row.flags %}
<ul class="flags">
{% for flag in row.flags %}
<li><span class="mark {{ flag.mark }}">{{ flag.mark }}</span> {{ flag.text }}</li>
{% endfor %}
</ul>
{% endif %}
<details><summary>{{ row.passed | length }} checks passed, {{ row.unknown | length }} not assessable</summary>
<ul class="note">
{% for text in row.unknown %}
<li>not assessable: {{ text }}</li>
{% endfor %}
{% for text in row.passed %}
<li>{{ text }}</li>
{% endfor %}
</ul></details>
</section>
{% endfor %}
</div>
<h2>What this page cannot see</h2>
<ul>
<li>Left for right, upside down or front to back, where header and picture agree on it. Ghosts in a brain without its
skull. Misregistration below about 3 mm. A tumour that is none.</li>
<li>Most thresholds were placed on about a dozen brains and on phantoms. How often they err at this hospital nobody
knows: <code>quality</code> in site.yaml moves them, for this page alone. Predictions and the reading room keep the
built-in ones, so that nothing that was moved here hides a warning there.</li>
</ul>
<script>{{ script }}</script>
{% endblock %}
"""
