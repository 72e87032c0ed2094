"""DICOM headers: those of source images as the makers of new objects want them, and those of the new objects.

Scanners and archives leave attributes out or fill them against the rules; neither is a reason not to export. Nothing is
invented: what is missing or unusable becomes empty, which DICOM allows for these.
"""

import copy
import io
import logging

import pydicom
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

# Both would print odd values of a header, and so the patient's name, into the server's log.
pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
logging.getLogger("highdicom").setLevel(logging.ERROR)

UNUSABLE = (ValueError, TypeError, AttributeError, KeyError, IndexError, NotImplementedError, RecursionError)
"""What pydicom and highdicom raise over headers that break the rules; their words may hold a patient's name."""

_MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName"),
)
_DATES = {"PatientBirthDate": DA, "StudyDate": DA, "StudyTime": TM}


def completed(header: Dataset) -> Dataset:
    """A copy of a header with every attribute that may be empty but not absent."""
    whole = copy.copy(header)
    for keyword in _MAY_BE_EMPTY:
        if keyword not in whole or whole[keyword].value is None:
            setattr(whole, keyword, "")
    for keyword, kind in _DATES.items():
        try:
            kind(str(whole[keyword].value))
        except ValueError:
            setattr(whole, keyword, "")
    if whole.PatientSex not in ("M", "F", "O", ""):
        whole.PatientSex = ""
    return whole


def fix_times(made: Dataset) -> None:
    """Nothing of the moment of exporting stays in a new object: the same reading gives the same file."""
    made.InstanceCreationDate, made.InstanceCreationTime = made.ContentDate, made.ContentTime
    *_, library = made.ContributingEquipmentSequence  # those before it are the scanner's
    library.ContributionDateTime = f"{made.ContentDate}{made.ContentTime}"


def file_of(made: Dataset) -> bytes:
    """A DICOM object as a file's content."""
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
