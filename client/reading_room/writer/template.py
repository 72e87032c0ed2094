"""The deterministic writer: the default, and what is used whenever a model's text cannot be trusted.

Every sentence comes from a catalogue and names the facts that it rests on; a fact that is not there is not spoken of.
"""

from collections.abc import Callable, Mapping

from client.reading_room.writer.fact import CLINICIAN, PATIENT, Facts
from client.reading_room.writer.narrative import SECTIONS, TEMPLATE, Narrative
from client.reading_room.writer.template_clinician import tell_clinician
from client.reading_room.writer.template_draft import Draft
from client.reading_room.writer.template_patient import tell_patient
from gmmas_core.types import ConfigError

_WRITERS: Mapping[str, Callable[[Draft], None]] = {CLINICIAN: tell_clinician, PATIENT: tell_patient}


def template_narrative(facts: Facts, audience: str, reason: str = "") -> Narrative:
    """Tell a case.

    Args:
        facts: of `facts_of`; its language is the narrative's.
        audience: one of AUDIENCES.
        reason: why a model did not write it, "" where none was asked.

    Returns:
        All sentences, in the order of the sections.

    Raises:
        ConfigError: an audience or language that does not exist.
    """
    if audience not in _WRITERS:
        raise ConfigError(f"audience: found {audience!r}; expected {' or '.join(_WRITERS)}; choose one of them")
    draft = Draft(facts.may_read(audience))
    _WRITERS[audience](draft)
    order = SECTIONS[audience].index
    return Narrative(
        audience=audience,
        language=facts.language,
        sentences=tuple(sorted(draft.sentences, key=lambda sentence: order(sentence.section))),
        written_by=TEMPLATE,
        reason=reason,
    )
