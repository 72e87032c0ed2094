"""How well the model does: scores of one case, sums that merge across hospitals, and the numbers a person reads.

The front door is `evaluation`; the other files are its parts: overlap and lesion_wise (masks), ranking,
classification and calibration_error (probabilities), score_histogram and merging (what crosses the wire), bootstrap
(intervals), summary and local_summary (numbers for people).
"""
