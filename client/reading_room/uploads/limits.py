"""How much one upload may be; each number with its reason."""

MAX_UPLOAD_BYTES = 4 * 2**30
"""Received, of one study: four raw sequences of a high-resolution scanner are below 1 GB."""

MAX_UNPACKED_BYTES = 8 * 2**30
"""After unpacking; bounds what a small hostile archive can become."""

MAX_FILES = 5_000
"""A brain MRI with all its series has a few thousand DICOM slices."""

MAX_NIFTI_FILES = 16
"""Four are read; a folder may hold some more, such as diffusion, that nobody names."""

MAX_LABEL = 120
"""Characters of a file's name that are kept to show it."""

CHUNK = 2**20
