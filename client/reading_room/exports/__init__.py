"""A reading handed to other systems, each time marked as research: DICOM SEG and SR, FHIR, BIDS, CSV and JSON.

available.py  which are possible for a study, and why not    originals.py  the DICOM series an image came from
seg.py sr.py  objects for the hospital's own archive          placing.py    the mask on that series' frames
fhir.py       a bundle of resources                          masks.py      what may be outlined, by which label
bids.py       derivatives as a zip                           product.py    names, release, repeatable UIDs
table.py      CSV and the whole document                     findings.py   every number of a document as one row

Numbers are those of the document, unrounded; what is not assessable is named with its reason and never left as zero.
"""
