"""No two answers may differ by a few cases, or their difference would be an answer about those cases.

The site keeps a partition of its cases into blocks of at least `cohort_floor` patients, and every population that an
answer is about is a union of whole blocks. A question that cuts a block splits it for good, into the part that is
answered and the part that is not, each of at least the floor: where fewer would stay out, further cases of the block,
in a secret order, stay out with them; where fewer would stay in, none does. Cases that have never been part of an
answer wait until at least `cohort_floor` patients of them are asked for together. Cases that are gone count as left
out.

Why that is enough: blocks are only ever split, so every earlier answer is a union of today's blocks as well. Whatever
is added to or subtracted from whatever, sums over cases can be known block by block and no finer, and not only for two
answers but for any number. It says nothing about what one answer tells about its own cases, nor about a case whose
labels were changed between two answers.

What a site remembers is `populations.json` in its state folder: keyed hashes of cases and patients, and the key. It
never leaves. Whoever deletes it forgets what was answered.
"""

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.site import Site
from gmmas_core.atomic import write_json
from gmmas_core.types import Case, DataError

POPULATIONS = "populations.json"
FORMAT = 1
KEY_BYTES = 32

Block = dict[str, str]
"""Keyed hash of a case -> keyed hash of its patient."""


@dataclass
class Partition:
    """What a site remembers.

    Attributes:
        key: of the hashes, hexadecimal.
        blocks: disjoint.
    """

    key: str
    blocks: list[Block]


def answered(site: Site, cases: Sequence[Case]) -> tuple[Case, ...]:
    """Those of the cases asked for that an answer may be about; remembered before anything is computed.

    Asked the same again, the site answers about the same. With a floor of 1 all are, and nothing is remembered.

    Args:
        site: its floor and its state folder.
        cases: of a split, or those of them that have some sequences.

    Returns:
        In the order given; none, or at least the floor's number of patients.

    Raises:
        DataError: the memory cannot be read or written; then nothing may be answered.
    """
    if site.cohort_floor == 1 or not cases:
        return tuple(cases)
    with _memory(site.state) as partition:
        token_of = {case.case_id: _token(partition.key, "case", case.case_id) for case in cases}
        asked = {token_of[case.case_id]: _token(partition.key, "patient", case.patient_id) for case in cases}
        partition.blocks, told = cut(partition.blocks, asked, site.cohort_floor)
    return tuple(case for case in cases if token_of[case.case_id] in told)


def cut(blocks: Sequence[Block], asked: Block, floor: int) -> tuple[list[Block], frozenset[str]]:
    """Split blocks along a question.

    Args:
        blocks: disjoint, each with at least `floor` patients.
        asked: the cases that a question is about.
        floor: fewest patients.

    Returns:
        The blocks afterwards, and the cases that may be answered about: a union of some of them.
    """
    kept: list[Block] = []
    told: set[str] = set()
    for block in blocks:
        inside, outside = _parts(block, asked, floor)
        if not inside:
            kept.append(block)
            continue
        kept += [inside, outside] if outside else [inside]
        told |= inside.keys()
    known = {case for block in blocks for case in block}
    new = {case: patient for case, patient in asked.items() if case not in known}
    if _num_patients(new) >= floor:
        kept.append(new)
        told |= new.keys()
    return kept, frozenset(told)


def _parts(block: Block, asked: Block, floor: int) -> tuple[Block, Block]:
    """What of a block is answered, and what is not: both large enough, or all on one side."""
    inside = {case: patient for case, patient in block.items() if case in asked}
    outside = {case: patient for case, patient in block.items() if case not in asked}
    # The hashes are keyed: their order is random to everybody else, and the same at every question.
    for case in sorted(inside):
        if not outside or _num_patients(outside) >= floor:
            break
        outside[case] = inside.pop(case)
    return (inside, outside) if _num_patients(inside) >= floor else ({}, block)


def _num_patients(block: Block) -> int:
    return len(set(block.values()))


def _token(key: str, kind: str, name: str) -> str:
    return hmac.new(bytes.fromhex(key), f"{kind}/{name}".encode(), hashlib.sha256).hexdigest()[:32]


@contextmanager
def _memory(state: Path) -> Iterator[Partition]:
    """The partition, under a lock; what has changed is on disk when the block ends without an error."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        with (state / f"{POPULATIONS}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            partition = _read(state / POPULATIONS)
            before = json.dumps(partition.blocks)
            yield partition
            if json.dumps(partition.blocks) != before:
                content = {"format": FORMAT, "key": partition.key, "blocks": partition.blocks}
                write_json(state / POPULATIONS, content)  # 0600
    except OSError as error:
        raise DataError(
            f"policy: found that this site cannot write down whom an answer is about ({error.strerror}); expected "
            "room on the disk; nothing was sent"
        ) from None


def _read(path: Path) -> Partition:
    if not path.exists():
        return Partition(key=os.urandom(KEY_BYTES).hex(), blocks=[])
    try:
        content = json.loads(path.read_bytes())
        key, blocks = content["key"], content["blocks"]
        if content["format"] != FORMAT or len(bytes.fromhex(key)) != KEY_BYTES or not _are_blocks(blocks):
            raise ValueError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DataError(
            "policy: found a damaged memory of earlier answers; expected it as it was written; restore it from a "
            "backup; nothing was sent"
        ) from None
    return Partition(key=key, blocks=blocks)


def _are_blocks(blocks: object) -> bool:
    if not isinstance(blocks, list) or not all(isinstance(block, Mapping) for block in blocks):
        return False
    cases = [case for block in blocks for case in block]
    return len(cases) == len(set(cases)) and all(isinstance(p, str) for block in blocks for p in block.values())
