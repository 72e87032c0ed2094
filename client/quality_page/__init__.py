"""One page on which a hospital sees every case it holds: pictures, and what the checks say. It never leaves the site.

examine.py  every case once, in parallel, kept and resumed    stored.py  what is kept of a case
mosaic.py   the picture of a case                             between.py one scan in two cases
page.py     the page and its pictures                         template.py, script.py  what they are made of
"""
