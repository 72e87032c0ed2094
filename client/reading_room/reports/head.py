"""The head of the clinician's report: whose study it is, who stands for it, and what must not be overlooked."""

from collections.abc import Mapping
from typing import Any

from client.reading_room.record import Record
from client.reading_room.reports.content import Notice, Tone
from client.reading_room.reports.wording import Words
from client.reading_room.store.decisions import REJECTED
from client.reading_room.store.revisions import MODEL
from gmmas_core.diagnosis import text
from gmmas_core.diagnosis.ids import Flag, Reason
from gmmas_core.novelty.check import OUT_OF_DISTRIBUTION

CONTRADICTIONS = (
    Flag.IMAGING_SET_ASIDE,
    Flag.CODEL_WITHOUT_IDH,
    Flag.HISTOLOGY_DISCORDANT,
    Flag.ATRX_WITH_CODELETION,
    Flag.H3_WITH_IDH_MUTATION,
    Flag.K27_OUTSIDE_MIDLINE,
)
"""Flags that say that two findings do not go together."""

_TONES = {"pass": Tone.GOOD, "not assessable": Tone.WARN, "warn": Tone.WARN, "fail": Tone.BAD}


def about(record: Record, site: str, words: Words) -> tuple[tuple[str, str], ...]:
    """Label and value of the small table under the title."""
    document, revision = record.document, record.revision
    at = words.moment(revision.created_at)
    if revision.author == MODEL:
        told = words("about.revision_model", number=revision.number, at=at)
    else:
        told = words("about.revision_person", number=revision.number, user=revision.author, at=at)
    missing = document["sequences_missing"]
    return (
        (words("about.patient"), record.study.patient),
        (words("about.day"), words.day(record.study.study_date)),
        (words("about.site"), site),
        (words("about.sequences"), words.sequences(document["sequences_used"])),
        (words("about.missing"), words.sequences(missing) if missing else words("none")),
        (words("about.model"), revision.model_id),
        (words("about.revision"), told),
        (words("about.state"), state_notice(record, words).title),
    )


def state_notice(record: Record, words: Words) -> Notice:
    """Who stands for the revision that is shown."""
    decision = record.decision
    if decision is None:
        return Notice(title=words("state.open"), text=words("state.open_text"), tone=Tone.BAD)
    if decision.kind == REJECTED:
        title = words("state.rejected", user=decision.user, at=words.moment(decision.at))
        return Notice(title=title, text=words("state.rejected_text"), tone=Tone.BAD)
    if decision.revision != record.revision.number:
        told = words("state.outdated_text", number=decision.revision)
        return Notice(title=words("state.outdated"), text=told, tone=Tone.BAD)
    title = words("state.signed", user=decision.user, at=words.moment(decision.at))
    return Notice(title=title, text=words("state.signed_text"), tone=Tone.GOOD)


def notices(record: Record, words: Words) -> tuple[Notice, ...]:
    """State, verdict and every reason to abstain, before anything else is said."""
    document = record.document
    found = [state_notice(record, words), _verdict(document["verdict"], words)]
    if document["notice"]:
        found.append(Notice(title=words("notice"), text=words.said(document["notice"]), tone=Tone.PLAIN))
    if document["corrected"] is not None:
        found.append(_corrected(document["corrected"], words))
    if "segmentation" in document["abstained"]:
        told = words("abstain.no_tumour_text")
        found.append(Notice(title=words("abstain.no_tumour"), text=told, tone=Tone.BAD))
    if OUT_OF_DISTRIBUTION in document["abstained"].values():
        found.append(Notice(title=words("abstain.unlike"), text=words("abstain.unlike_text"), tone=Tone.BAD))
    if document["sequences_missing"]:
        told = words("abstain.sequences_text", sequences=words.sequences(document["sequences_missing"]))
        found.append(Notice(title=words("abstain.sequences"), text=told, tone=Tone.WARN))
    rivals = _rivals(document["suggested"]["types"])
    if len(rivals) > 1:
        told = words("abstain.disagreement_text", types=words.listed([text(each, words.language) for each in rivals]))
        found.append(Notice(title=words("abstain.disagreement"), text=told, tone=Tone.WARN))
    contradictions = [flag for flag in record.diagnosis.flags if flag in CONTRADICTIONS]
    if contradictions or Reason.RESULTS_CONTRADICT in record.diagnosis.reasons:
        told = words.together([text(flag, words.language) for flag in contradictions or (Reason.RESULTS_CONTRADICT,)])
        found.append(Notice(title=words("abstain.rules"), text=told, tone=Tone.WARN))
    return tuple(found)


def _verdict(verdict: str, words: Words) -> Notice:
    told = {"fail": "verdict.fail_text", "warn": "verdict.warn_text"}.get(verdict)
    title = words(f"verdict.{verdict.replace(' ', '_')}")
    return Notice(title=title, text="" if told is None else words(told), tone=_TONES[verdict])


def _corrected(corrected: Mapping[str, Any], words: Words) -> Notice:
    what = [words("corrected_mask")] if corrected["mask"] else []
    if corrected["labels"]:
        labels = [
            f"{words(f'task.{task}')} {words(f'class.{task}.{label}')}" for task, label in corrected["labels"].items()
        ]
        what.append(words("corrected_labels", labels=words.listed(labels)))
    key = "corrected_text" if corrected["mask"] else "corrected_text_labels"
    told = words(key, user=corrected["by"], number=corrected["from_revision"], what=words.listed(what))
    return Notice(title=words("corrected"), text=told, tone=Tone.PLAIN)


def _rivals(types: list[Mapping[str, Any]]) -> list[str]:
    """The first type and those whose interval reaches into the first's."""
    if not types or types[0]["interval"] is None:
        return []
    lowest = types[0]["interval"]["low"]
    close = [each["id"] for each in types[1:] if each["interval"] is not None and each["interval"]["high"] >= lowest]
    return [types[0]["id"], *close]
