"""From a study as the scanner gives it to a case that can be read: sequences named, put on one grid, without skull.

headers.py      what a series' header says of it         recognition.py  one answer with confidence and reasons
registration.py rigid, and how far it can be trusted     placing.py      one interpolation there; back.py the way back
strip/          brain masks, one registry                study.py        the story of one study
record.py       raw.json: all that was done

SimpleITK comes with the extra `onboarding` and is imported where it is used. Nothing here knows DICOM or folders.
"""
