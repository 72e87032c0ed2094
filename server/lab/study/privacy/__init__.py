"""`gmmas-lab study privacy`: what record-level privacy costs, and what attacks gain with and without it.

sizes.py, plan.py what runs; worker.py one process of it; utility.py a federation under a budget
signals.py, membership.py was this patient in the training set; shadow.py models trained on random halves of a pool
exposure.py, inversion.py, resemblance.py what one update shows of a patient
findings.py, report.py, page.py, pictures.py numbers and what people read
"""
