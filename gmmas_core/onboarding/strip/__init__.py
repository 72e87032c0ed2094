"""Brain masks: one interface, one registry of named ways.

given       a mask that somebody made        tissue.py    no weights; the default
bet.py      a published surface method, no weights
programs.py HD-BET and SynthStrip, installed by the hospital, with weights of the hospital whose hash is checked
"""
