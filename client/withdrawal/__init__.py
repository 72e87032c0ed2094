"""A patient leaves: never read again, purged from what this hospital's node keeps, with a record of what had seen them.

record.py    who has left, by keyed name, and what was purged   subject.py   whom an id given at the command line means
places.py    every place of a state folder that names a case    room.py      what a reading room has of the patient
exposure.py  runs, models and privacy budget                    search.py    whether any trace is left
withdraw.py  all of it in order
"""
