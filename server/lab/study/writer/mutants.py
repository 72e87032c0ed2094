"""True sentences turned into false ones by machine: one word or one placeholder is exchanged.

A mutant that still is true, or says nothing (the same sequence twice), is counted as missed all the same, so the rate
is a lower bound.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from client.reading_room.writer.facts import Facts
from server.lab.study.writer.catalogue import Told

EXCHANGES = (
    *(("right", "left"), ("left", "right"), ("both sides", "the right side"), ("right", "both sides of the")),
    *(("mutant", "wildtype"), ("wildtype", "mutant"), ("codeleted", "not codeleted"), ("not codeleted", "codeleted")),
    *(("passed", "failed"), ("failed", "passed"), ("missing", "available"), ("missing", "not missing")),
    *(("enhancing tumour", "edema"), ("tumour core", "enhancing tumour"), ("whole tumour", "tumour core")),
    *(("whole tumour", "enhancing tumour"), ("enhancing", "necrotic"), ("the tumour", "the tumour core")),
    *(("most probable", "least probable"), ("first", "last"), ("next", "first"), ("same", "another")),
    *(("T1c", "T2"), ("FLAIR", "T1c"), ("T2", "FLAIR"), ("without", "with"), ("Without", "With")),
    *(("astrocytoma", "oligodendroglioma"), ("oligodendroglioma", "astrocytoma"), ("glioblastoma", "astrocytoma")),
    *(("cannot be", "can be"), ("can be", "cannot be"), ("could not be", "could be"), ("may be", "is")),
    *(("suggests", "proves"), ("suggest", "show"), ("suggests", "does not suggest"), ("suggestion", "diagnosis")),
    *(("not ", ""), ("No ", ""), ("no ", ""), ("not a diagnosis", "a diagnosis"), ("tissue", "imaging")),
    *(("probability", "volume"), ("volume", "probability"), ("is ", "is not "), ("was ", "was not ")),
    *(("are ", "are not "), ("were ", "were not "), ("lies ", "does not lie "), ("crosses", "does not cross")),
    *(("does not cross", "crosses"), ("only", "not only"), ("Only", "Not only"), (".", ", which is a good sign.")),
    *((".", ", and there are others."), (".", ", so you must wait."), (".", ", as before."), (".", ", in one lobe.")),
)
"""Words of a true sentence and what takes their first place."""

FILLINGS = (
    *("volume.wt", "volume.et", "volume.tc", "volume.edema", "volume.necrosis", "volume.wt.range", "volume.et.range"),
    *("type.1.probability", "type.2.probability", "type.3.probability", "type.1", "type.2", "type.3"),
    *("task.idh.probability", "task.codel_1p19q.probability", "histology", "satellites", "pieces.tc"),
    *("share.et_wt", "share.edema_wt", "diagnosis.integrated", "side.wt", "test.tissue", "verdict"),
)
"""Facts that take the place of a placeholder's."""

_PLACEHOLDER = re.compile(r"\{\{([^}]*)\}\}")


def mutants_of(told: Told, facts: Facts) -> Iterator[Told]:
    """Every sentence that one exchange makes of a true one."""
    for words, others in EXCHANGES:
        if words in told.text:
            yield replace(told, kind="mutant", text=told.text.replace(words, others, 1))
    readable = facts.may_read(told.audience)
    for held in _PLACEHOLDER.findall(told.text):
        for other in FILLINGS:
            if other != held and other in readable:
                text = told.text.replace(f"{{{{{held}}}}}", f"{{{{{other}}}}}", 1)
                yield replace(told, kind="mutant", text=text, facts=(*told.facts, other))
