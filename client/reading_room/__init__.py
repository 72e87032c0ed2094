"""The clinician's platform inside the hospital: worklist, viewer, findings, reports. Research use only."""
