"""Is a case unlike the patients that the model was trained on? Judged by the images alone, before any mask.

features.py  a case's images as bounded numbers that no affine change of brightness moves
sums.py      a hospital's patients as sums of them and of their products, which add up across hospitals
gaussian.py  one Gaussian from the sums of all, and how far a case lies from it, whichever sequences it has
held_out.py  how far validation patients lie from it, as sums again, and the limits that follow
stored.py    distribution.json: all of it in a model folder, read with distrust
check.py     the answer for one case, as a check beside those of `quality`

What it is: one Gaussian over all hospitals' patients, so what lies between two scanners counts as known. What it cannot
see: anything that leaves the statistics of brightness, sharpness and likeness of sequences as they were. A metastasis
with a ring and oedema is such a thing. It finds strange images, not strange diseases. There are no features of the
network in it: they would have to be gathered again for every model, and their sums say more about a patient. An arm of
`gmmas-lab study novelty` tries them (`--model`).

What is told of patients: sums over at least the cohort floor's number of them, and so is every difference of sums, of
one round or of several; each patient once (first study), every feature bounded by LIMIT, so that no patient moves a sum
by more than LIMIT squared. Bounded is not private: a hospital with record-level privacy tells none of these sums of its
training patients.
"""
