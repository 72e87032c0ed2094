"""How numbers become pages that people read; shared by the coordinator's report and the hospital's own.

wording.py   numbers beside their n, and plain words where there is none
figures.py   drawing without a screen, to SVG inside the page, and the reliability diagram; by what they show:
             figures_calibration.py, figures_decisions.py, figures_sequences.py
trust_parts.py, sequence_parts.py   figures and rows of one section from a report's numbers
style.py     one look, on screen and in print; page.py puts it together
tables.py, tables_method.py   the tables that both reports show

Templates are strings in Python files because Flower's app bundle carries no other kind of template: an application that
runs from a bundle still writes its report.
"""
