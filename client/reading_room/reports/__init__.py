"""Reports on one study, for clinicians and for patients, as a page and as a PDF that say the same.

`clinician` and `patient` make the content, `html` and `pdf` lay it out. English, German and Chinese come from message
catalogues. The German and Chinese texts were read by no native clinician yet: have one read them before anybody else
does. Readability is measured for English (Flesch-Kincaid grade) and German (Wiener Sachtextformel); for Chinese there
is no accepted measure here, and none is claimed.
"""
