"""The coordinator's live view of a run, on a terminal and as a page; reads the run folder and nothing else.

status.py     the nouns: what is known of a run, JSON-able; what is not known is None and shown as unknown
watching.py   follows the two files of a run folder and makes a `RunStatus` of them
events.py     one event after the other: where the run stands, what each site is doing, what went wrong
played.py     a played round's ledger line, reduced to what is shown
terminal.py   the view on a terminal         web.py, page.py, charts.py, assets/   the view in a browser
metrics.py    the same for Prometheus        words.py   the words that all of them use
"""
