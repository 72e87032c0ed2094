"""Signed cases that a clinician gives to the hospital's own training data, on explicit choice and never by themselves.

give.py   checks, and puts a case in or takes it out    case_files.py  what a case holds, without identifiers
table.py  the folder's participants.tsv                 pseudonyms.py  new names, from a key that stays here
"""
