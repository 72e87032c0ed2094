"""Does the detector of strange images find what is strange, and leave alone what is not?

sizes.py   how large the study is                patients.py  phantom patients, prepared as a site prepares them
damage.py  what can happen to images             gather.py    the sites' sums, through their gate, to limits
groups.py  usual patients and strange ones       real.py      real cases, n = 1 each, where a folder is given
findings.py  AUROC, alarms and conclusions       report.py    study.json, study.md, study.html
network.py the network's own features, an arm    ranked.py    AUROC and shares with intervals
study.py   the whole study as a story

Nothing is tuned on the cases that are tested: features, limits and damages were fixed before they were drawn.
"""
