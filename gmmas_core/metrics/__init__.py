"""How well the model does: scores of one case, sums that merge across hospitals, and the numbers a person reads.

The front door is `evaluation`; the other files are its parts: overlap and lesion_wise (masks), ranking,
classification, calibration_error and calibration_slope (probabilities), selective, doubt and decision_curve (what they
are good for), levels (cases as counts, which serves exact and merged numbers alike), score_histogram and merging (what
crosses the wire), bootstrap (intervals), entries, trust_summary, summary, local_summary and subgroups (for people).
"""
