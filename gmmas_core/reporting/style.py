"""One look for all reports: dark ink on white, a palette that colour-blind readers and grey printers can tell apart."""

SITE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d00", "#56b4e9")
"""Okabe and Ito's palette, its yellow darkened for white paper; sites also differ by marker and line style."""

MARKERS = ("o", "s", "^", "D", "v", "P")
LINE_STYLES = ("-", "--", "-.", ":")

MODEL_COLOURS = {"untrained": "#c9ccd1", "local_only": "#e69f00", "global": "#0072b2"}
MODEL_HATCHES = {"untrained": "", "local_only": "////", "global": ""}

INK, FAINT, RULE = "#1b1f24", "#57606a", "#d0d7de"

CSS = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #1b1f24; font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", Arial,
sans-serif; }
main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 1.2rem 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .5rem; padding-top: .6rem; border-top: 2px solid #1b1f24; }
h3 { font-size: 1.02rem; margin: 1.4rem 0 .3rem; }
p, li { max-width: 78ch; }
a { color: #0550ae; }
.faint, small, .note { color: #57606a; }
.note { font-size: .88rem; }
.banner { border: 2px solid #1b1f24; padding: .6rem 1rem; margin: 1rem 0; font-weight: 600; }
.banner.notice { border-color: #b35900; background: #fff8e6; }
.verdict { border-left: 8px solid #57606a; background: #f6f8fa; padding: .7rem 1rem; margin: 1rem 0; }
.verdict.passed { border-color: #0072b2; }
.verdict.failed { border-color: #b31d28; background: #fff5f5; }
.verdict strong { font-size: 1.1rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; margin: 1rem 0; }
.tile { border: 1px solid #d0d7de; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.3; }
.tile b.words { font-size: 1.15rem; line-height: 1.7; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 .4rem; font-size: .9rem; font-variant-numeric:
tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .32rem .6rem; border-bottom: 1px solid #d0d7de; }
thead th { border-bottom: 2px solid #1b1f24; vertical-align: bottom; }
tbody th { font-weight: 600; white-space: nowrap; }
tbody th.long { white-space: normal; }
td.absent, .absent { color: #57606a; font-style: italic; }
tr.pooled td, tr.pooled th { background: #f6f8fa; border-bottom: 2px solid #8c959f; }
tr.group th { background: #fff; padding-top: .8rem; border-bottom: 1px solid #1b1f24; }
td .ci { display: block; color: #57606a; font-size: .82rem; white-space: nowrap; }
.silent { background: repeating-linear-gradient(135deg, #fff 0 5px, #e8ebef 5px 7px); font-style: italic; }
figure { margin: 1rem 0; }
figure svg, figure img { max-width: 100%; height: auto; display: block; }
figcaption { font-size: .9rem; color: #57606a; max-width: 95ch; }
figcaption b { color: #1b1f24; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 20px; }
code, pre { font: .88rem/1.45 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; overflow-wrap: anywhere; }
pre { background: #f6f8fa; border: 1px solid #d0d7de; padding: .7rem 1rem; white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: .6rem 0; font-size: .92rem; }
dt { color: #57606a; } dd { margin: 0; }
footer { margin: 3rem auto 2rem; padding-top: .8rem; }
@media print {
  @page { size: A4; margin: 14mm 12mm; }
  body { font-size: 10pt; } main, header, footer { max-width: none; padding: 0; }
  h2, h3, caption { break-after: avoid; } figure, tr, .tile, .verdict, .banner, pre { break-inside: avoid; }
  .tiles { grid-template-columns: repeat(3, 1fr); }
  .scroll { overflow: visible; } table { font-size: 8.2pt; } th, td { padding: 2pt 4pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
