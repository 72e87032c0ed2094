"""What a clinician is told: one function per section."""

from client.reading_room.writer.fact import Fact, Kind
from client.reading_room.writer.template_draft import Draft
from client.reading_room.writer.words import check_word, class_word, listed, word


def tell_clinician(draft: Draft) -> None:
    """All sections."""
    for part in (_technique, _findings, _measures, _types, _questions, _tissue, _open, _quality, _differentials, _rest):
        part(draft)


def _technique(draft: Draft) -> None:
    for key, kind in (("say.used", Kind.SEQUENCE_USED), ("say.missing", Kind.SEQUENCE_MISSING)):
        facts = draft.of(kind)
        if facts:
            draft.tell("technique", key, *facts, sequences=draft.sequences(facts))
    for passes in draft.find("passes"):
        draft.tell("technique", "say.passes", passes, count=passes.value_text)
    draft.repeat("technique", *draft.find("corrected"))


def _findings(draft: Draft) -> None:
    language = draft.language
    draft.repeat("findings", *draft.find("tumour"))
    regions = draft.of(Kind.REGION)
    parts = tuple(fact for fact in regions if fact.value["present"] and fact.value["region"] not in ("wt", "tc"))
    if parts:
        names = tuple(word(f"region.{fact.value['region']}", language) for fact in parts)
        draft.tell("findings", "say.parts", *parts, parts=listed(names, language))
    draft.repeat("findings", *(fact for fact in regions if not fact.value["present"]))
    draft.repeat("findings", *draft.find("side.wt"), *draft.find("crossing.wt"))
    for pieces in (*draft.find("pieces.wt"), *draft.find("pieces.tc")):
        key = "say.one_piece" if pieces.value["count"] == 1 else "say.pieces"
        the = word(f"the.{pieces.value['region']}", language)
        draft.tell("findings", key, pieces, count=pieces.value_text, the=the)
    for satellites in draft.find("satellites"):
        key = "say.satellites" if satellites.value["count"] else "say.no_satellites"
        draft.tell("findings", key, satellites, count=satellites.value_text)
    for fact_id in ("margin", "mismatch"):
        for fact in draft.find(fact_id):
            draft.tell("findings", f"say.{fact_id}", fact, value=fact.value_text)


def _measures(draft: Draft) -> None:
    language = draft.language
    for volume in draft.of(Kind.VOLUME):
        range_ = draft.facts[f"{volume.id}.range"]
        told = {"value": volume.value_text, "range": range_.value_text}
        draft.tell("measures", "say.volume", volume, range_, of=_of(volume, draft), **told)
    ranges = draft.of(Kind.VOLUME_RANGE)
    for by, key in (("grid", "say.range_grid"), ("grid and model", "say.range_model")):
        chosen = tuple(fact for fact in ranges if fact.value["by"] == by)
        if chosen:
            draft.tell("measures", key, *chosen)
    for share in draft.of(Kind.SHARE):
        part = word(f"region.{share.value['part']}", language)
        whole = word(f"of.{share.value['whole']}", language)
        draft.tell("measures", "say.share", share, part=part, of_whole=whole, value=share.value_text)
    for length in draft.of(Kind.LENGTH):
        key = "say.longest" if length.value["measure"] == "longest_3d" else "say.products"
        draft.tell("measures", key, length, of=_of(length, draft), value=length.value_text)


def _types(draft: Draft) -> None:
    types = draft.of(Kind.TYPE)
    if not types:
        why = (*draft.find("not_assessable.idh"), *draft.find("tumour"))[:1]
        draft.tell("types", "say.no_type", *why)
    for type_ in types:
        first = type_.value["rank"] == 1
        chance = draft.facts[f"{type_.id}.probability"]
        range_ = draft.find(f"{type_.id}.range")
        draft.tell(
            "types" if first else "differentials",
            "say.first_type" if first else "say.next_type",
            *(type_, chance, *range_),
            name=type_.text,
            chance=_chance(chance, range_, draft),
        )


def _questions(draft: Draft) -> None:
    for chance in draft.of(Kind.TASK_PROBABILITY):
        task = str(chance.value["task"])
        range_ = draft.find(f"task.{task}.range")
        shown = _chance(chance, range_, draft)
        leaning = draft.find(f"task.{task}")
        if task == "codel_1p19q":
            draft.repeat("types", *leaning)
            draft.tell("types", "say.codel", chance, *range_, chance=shown)
            continue
        answer = class_word(task, str(chance.value["of"]), draft.language)
        words = leaning[0].text
        draft.tell("types", "say.task", *leaning, chance, *range_, words=words, answer=answer, chance=shown)
    for bounds in draft.find("histology.range"):
        draft.tell("types", "say.histology_range", bounds, range=bounds.value_text)
    draft.repeat("types", *draft.of(Kind.WITHOUT))


def _tissue(draft: Draft) -> None:
    for diagnosis in draft.of(Kind.DIAGNOSIS):
        basis = diagnosis.value["basis"]
        if basis == "basis.nothing":
            draft.repeat("types", diagnosis)
        else:
            key = "say.diagnosis_tissue" if basis == "basis.tissue" else "say.diagnosis"
            draft.tell("types", key, diagnosis, name=diagnosis.text)
    draft.repeat("types", *draft.of(Kind.GRADE, Kind.REASON, Kind.PATHOLOGY, Kind.LABEL, Kind.FLAG))


def _open(draft: Draft) -> None:
    draft.repeat("not_assessable", *draft.of(Kind.NOT_ASSESSABLE))


def _quality(draft: Draft) -> None:
    draft.repeat("quality", *draft.of(Kind.VERDICT))
    alike: dict[tuple[object, object], list[Fact]] = {}
    for check in draft.of(Kind.CHECK):
        alike.setdefault((check.value["check"], check.value["verdict"]), []).append(check)
    for (name, verdict), checks in alike.items():
        told = {"verdict": word(f"degree.{verdict}", draft.language), "check": check_word(str(name), draft.language)}
        places = tuple(dict.fromkeys(_place(check, draft) for check in checks if check.value["where"]))
        if places:
            draft.tell(
                "quality", "say.check_at", *checks, where=word("list.apart", draft.language).join(places), **told
            )
        else:
            draft.tell("quality", "say.check", *checks, **told)


def _differentials(draft: Draft) -> None:
    draft.repeat("differentials", *draft.find("statement.only_gliomas"))


def _rest(draft: Draft) -> None:
    for test in draft.of(Kind.TEST):
        draft.tell("tests", "say.test", test, test=test.text)
    draft.repeat("follow_up", *draft.find("statement.follow_up"), *draft.find("statement.one_time_point"))
    draft.repeat("notice", *draft.find("decision"))
    for name in ("suggestion", "tissue", "research"):
        draft.repeat("notice", *draft.find(f"statement.{name}"))


def _of(fact: Fact, draft: Draft) -> str:
    return word(f"of.{fact.value['region']}", draft.language)


def _chance(chance: Fact, range_: tuple[Fact, ...], draft: Draft) -> str:
    """A probability, with its range where there is one."""
    if not range_:
        return chance.value_text
    return word("say.with_range", draft.language, chance=chance.value_text, range=range_[0].value_text)


def _place(check: Fact, draft: Draft) -> str:
    where = check.value["where"]
    names = where if isinstance(where, tuple) else ()  # for the type checker: a check's "where" always is one
    return listed(tuple(word(f"sequence.{name}", draft.language) for name in names), draft.language)
