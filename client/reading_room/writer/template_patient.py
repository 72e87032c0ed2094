"""What a patient is told: short, plain, without probabilities and without anything about survival.

What imaging alone suggests about the type is left out: without its probability it would sound certain, and with it
nobody could weigh it. The type is told once tissue has shown it.
"""

from client.reading_room.writer.fact import Kind
from client.reading_room.writer.template_draft import Draft


def tell_patient(draft: Draft) -> None:
    """All sections."""
    for part in (_looked_at, _found, _unknown, _tissue, _next):
        part(draft)


def _looked_at(draft: Draft) -> None:
    draft.repeat("looked_at", *draft.find("statement.plain_suggestion"))
    used, missing = draft.of(Kind.SEQUENCE_USED), draft.of(Kind.SEQUENCE_MISSING)
    draft.tell("looked_at", "plain.used", *used, sequences=draft.sequences(used))
    if missing:
        key = "plain.missing" if len(missing) == 1 else "plain.missing_some"
        draft.tell("looked_at", key, *missing, sequences=draft.sequences(missing))
    for decision in draft.find("decision"):
        draft.tell("looked_at", f"plain.{decision.value['kind']}", decision)


def _found(draft: Draft) -> None:
    hand = "_by_hand" if any(each.value["mask"] for each in draft.find("corrected")) else ""
    for tumour in draft.find("tumour"):
        if tumour.value["found"]:
            draft.tell("found", f"plain.found{hand}", tumour)
        else:
            draft.tell("found", f"plain.none{hand}", tumour)
            draft.tell("found", "plain.none_caution", tumour)
    for side in draft.find("side.wt"):
        draft.tell("found", f"plain.side.{side.value['side']}", side)
    for volume in draft.find("volume.wt"):
        draft.tell("found", "plain.volume", volume, value=volume.value_text)
    for corrected in draft.find("corrected"):
        draft.tell("found", "plain.corrected_mask" if corrected.value["mask"] else "plain.corrected", corrected)
    for diagnosis in draft.find("diagnosis.integrated"):
        draft.tell("found", "plain.tissue_shows", diagnosis, name=diagnosis.text)
    for grade in draft.find("diagnosis.grade"):
        draft.tell("found", "plain.grade", grade, grade=grade.text)


def _unknown(draft: Draft) -> None:
    if not draft.find("diagnosis.integrated"):
        draft.tell("unknown", "plain.kind_unknown", *draft.find("statement.plain_tissue"))
    missing = draft.of(Kind.SEQUENCE_MISSING)
    if missing:
        draft.tell("unknown", "plain.not_seen", *missing)
    for verdict in draft.of(Kind.VERDICT):
        draft.tell("unknown", f"plain.verdict.{verdict.value['verdict']}", verdict)


def _tissue(draft: Draft) -> None:
    draft.repeat("tissue", *draft.find("statement.plain_tissue"))
    diagnosis = draft.find("diagnosis.integrated")
    if diagnosis:
        draft.tell("tissue", "plain.tissue_counts", *diagnosis, *draft.find("statement.plain_tissue"))


def _next(draft: Draft) -> None:
    draft.repeat("next", *draft.find("statement.care_team"))
    draft.tell("next", "plain.ask", *draft.find("statement.care_team"))
    draft.repeat("notice", *draft.find("statement.plain_research"))
