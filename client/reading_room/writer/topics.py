"""What a question may be about, told by its words, and the facts that speak of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from client.reading_room.writer.fact import Fact, Kind

TYPES = (Kind.TYPE, Kind.TYPE_PROBABILITY)
DIAGNOSIS = (Kind.DIAGNOSIS, Kind.GRADE, Kind.REASON)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic.

    Attributes:
        words: language -> pattern of the words that raise it.
        speaks: whether a fact belongs to it.
    """

    words: Mapping[str, str]
    speaks: Callable[[Fact], bool]


def _entity(part: str) -> Callable[[Fact], bool]:
    def speaks(fact: Fact) -> bool:
        of_type = fact.kind in (*TYPES, Kind.DIAGNOSIS) and part in str(fact.value["entity"])
        return of_type or fact.kind is Kind.REASON or _task("idh")(fact) or _task("codel_1p19q")(fact)

    return speaks


def _task(task: str) -> Callable[[Fact], bool]:
    marker = "codel" if task == "codel_1p19q" else task

    def speaks(fact: Fact) -> bool:
        asked = fact.kind in (Kind.TASK, Kind.TASK_PROBABILITY, Kind.LABEL) and fact.id.split(".")[1] == task
        closed = fact.kind is Kind.NOT_ASSESSABLE and fact.value["what"] == task
        return asked or closed or (fact.kind is Kind.PATHOLOGY and fact.value["marker"] == marker)

    return speaks


def _kinds(*kinds: Kind) -> Callable[[Fact], bool]:
    return lambda fact: fact.kind in kinds


def _region(region: str) -> Callable[[Fact], bool]:
    return lambda fact: region in (fact.value.get("region"), fact.value.get("what"), fact.value.get("part"))


def _any(*parts: Callable[[Fact], bool]) -> Callable[[Fact], bool]:
    return lambda fact: any(part(fact) for part in parts)


TOPICS: tuple[Topic, ...] = (
    Topic(words={"en": r"oligo", "de": r"oligo", "zh": "少突"}, speaks=_entity("oligodendroglioma")),
    Topic(words={"en": r"astro", "de": r"astro", "zh": "星形"}, speaks=_entity("astrocytoma")),
    Topic(
        words={"en": r"glioblast|\bgbm\b|wild.?type", "de": r"glioblast|\bgbm\b|wildtyp", "zh": "胶质母|野生"},
        speaks=_any(_entity("glioblastoma"), _entity("wildtype"), _kinds(Kind.HISTOLOGY_RANGE)),
    ),
    Topic(
        words={
            "en": r"\btypes?\b|diagnos|which tumou?r|\brank",
            "de": r"\btyp|diagnos|welcher tumor",
            "zh": "类型|诊断",
        },
        speaks=_kinds(*TYPES, *DIAGNOSIS),
    ),
    Topic(words={"en": r"\bidh", "de": r"\bidh", "zh": "(?i)idh"}, speaks=_task("idh")),
    Topic(words={"en": r"1p|19q|codel", "de": r"1p|19q|kodel", "zh": "1p|19q|共缺失"}, speaks=_task("codel_1p19q")),
    Topic(words={"en": r"mgmt", "de": r"mgmt", "zh": "(?i)mgmt"}, speaks=_task("mgmt")),
    Topic(
        words={"en": r"histolog|microscop", "de": r"histolog|mikroskop", "zh": "组织学|显微镜"},
        speaks=_any(_task("histology"), _kinds(Kind.HISTOLOGY_RANGE)),
    ),
    Topic(words={"en": r"\bgrade", "de": r"\bgrad", "zh": "级"}, speaks=_kinds(Kind.GRADE, Kind.REASON)),
    Topic(
        words={
            "en": r"sequence|missing|absent|t1c?\b|t2\b|flair|contrast",
            "de": r"sequenz|fehl|t1c?\b|t2\b|flair|kontrast",
            "zh": "序列|缺|T1|T2|FLAIR|造影|对比",
        },
        speaks=_kinds(Kind.SEQUENCE_USED, Kind.SEQUENCE_MISSING, Kind.WITHOUT),
    ),
    Topic(
        words={
            "en": r"not assess|cannot be|can't|assessable|missing",
            "de": r"nicht beurteil|nicht zu sehen|fehl",
            "zh": "无法|不能判断|缺",
        },
        speaks=_kinds(Kind.NOT_ASSESSABLE),
    ),
    Topic(
        words={"en": r"volume|size|big|large|\bml\b", "de": r"volum|groß|größe|\bml\b", "zh": "体积|大小|多大"},
        speaks=_kinds(Kind.VOLUME, Kind.VOLUME_RANGE, Kind.SHARE),
    ),
    Topic(
        words={"en": r"diameter|\bmm\b|long", "de": r"durchmesser|\bmm\b|lang", "zh": "径|长"},
        speaks=_kinds(Kind.LENGTH),
    ),
    Topic(words={"en": r"enhanc", "de": r"anreicher", "zh": "强化"}, speaks=_region("et")),
    Topic(words={"en": r"(o?edema)", "de": r"ödem", "zh": "水肿"}, speaks=_region("edema")),
    Topic(words={"en": r"necro", "de": r"nekro", "zh": "坏死"}, speaks=_region("necrosis")),
    Topic(
        words={
            "en": r"\bside|left|right|where|midline",
            "de": r"seite|links|rechts|\bwo\b|mittellinie",
            "zh": "侧|哪里|中线",
        },
        speaks=_any(_kinds(Kind.SIDE, Kind.CROSSING), lambda fact: fact.id.startswith("not_assessable.side")),
    ),
    Topic(
        words={
            "en": r"pieces|multifocal|satellite|how many",
            "de": r"teile|multifokal|satellit|wie viele",
            "zh": "多少|多灶|卫星",
        },
        speaks=_kinds(Kind.PIECES, Kind.SATELLITES),
    ),
    Topic(
        words={
            "en": r"certain|sure|probab|likel|confiden|calibrat|range|interval|trust",
            "de": r"sicher|wahrschein|kalibrier|spanne|vertrau",
            "zh": "确定|概率|可能|把握|校准|范围|可信",
        },
        speaks=_any(
            _kinds(*TYPES, Kind.TASK_PROBABILITY, Kind.PASSES, Kind.VERDICT),
            lambda fact: fact.id == "flag.uncalibrated",
        ),
    ),
    Topic(
        words={"en": r"\btests?\b|confirm|biops", "de": r"\btest|bestätig|biops", "zh": "检测|检查|活检|确认"},
        speaks=_kinds(Kind.TEST),
    ),
    Topic(
        words={"en": r"tissue|patholog", "de": r"gewebe|patholog", "zh": "组织|病理"},
        speaks=_any(_kinds(Kind.PATHOLOGY, Kind.DIAGNOSIS), lambda fact: fact.id == "statement.tissue"),
    ),
    Topic(
        words={
            "en": r"quality|check|warn|artefact|artifact",
            "de": r"qualität|prüf|warn|artefakt",
            "zh": "质量|警告|伪影",
        },
        speaks=_kinds(Kind.VERDICT, Kind.CHECK),
    ),
    Topic(
        words={
            "en": r"metasta|lymphom|abscess|demyelin",
            "de": r"metasta|lymphom|abszess|demyelin",
            "zh": "转移|淋巴|脓肿|脱髓鞘",
        },
        speaks=lambda fact: fact.id == "statement.only_gliomas" or fact.value.get("check") == "multiple_cores",
    ),
    Topic(
        words={
            "en": r"follow|later|earlier|respon|progress",
            "de": r"verlauf|später|früher|ansprech|progress",
            "zh": "随访|以后|以前|疗效|进展",
        },
        speaks=lambda fact: fact.id in ("statement.follow_up", "statement.one_time_point"),
    ),
    Topic(
        words={"en": r"flag|caution|caveat", "de": r"hinweis|vorsicht|vorbehalt", "zh": "提示|注意"},
        speaks=_kinds(Kind.FLAG),
    ),
    Topic(
        words={"en": r"mismatch", "de": r"mismatch", "zh": "不匹配"},
        speaks=lambda fact: fact.id in ("mismatch", "not_assessable.t2_flair_mismatch"),
    ),
    Topic(words={"en": r"correct", "de": r"korrig", "zh": "更正"}, speaks=_kinds(Kind.CORRECTED, Kind.LABEL)),
)


def topics_of(question: str, language: str) -> tuple[Topic, ...]:
    """The topics that a question's words raise."""
    asked = question.lower() if language != "zh" else question
    return tuple(topic for topic in TOPICS if re.search(topic.words[language], asked))
