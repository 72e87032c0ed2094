"""What each part of the method is worth, measured on phantoms whose truth is known.

sizes.py   how large a study is              arms.py        what is compared with what, and what is expected
data.py    phantoms and label shares         cells.py       one (arm, part, seed): its name, its result on disk
worker.py  one process: train, then score    scoring.py     every test case, and all subsets of the sequences
batch_reading.py what predict_case answers, for many small brains at once
jobs.py    the processes of a study          method.py      the whole study as a story
tables.py  results as arrays                 statistics.py  paired bootstrap over seeds and cases
findings.py, breakdown.py numbers, verdicts  report.py, page.py, figures.py, markdown.py  the same for people

Phantoms are images of nobody. A study says which part of the method helps on them, never how well it reads patients.
"""
