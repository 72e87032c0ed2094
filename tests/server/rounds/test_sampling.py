"""The choice of sites: reproducible from seed, round and set, never below its floor, and fair."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from server.rounds.sampling import choose_sites

NAMES = [f"site-{number}" for number in range(10)]
SITES = st.lists(st.sampled_from(NAMES), min_size=1, unique=True)


@given(
    sites=SITES,
    mandatory=st.lists(st.sampled_from(NAMES), max_size=3),
    seed=st.integers(0, 2**31),
    number=st.integers(1, 500),
    share=st.floats(0.01, 1.0),
    quorum=st.integers(1, 5),
    data=st.data(),
)
def test_a_function_of_seed_round_and_set_alone(
    sites: list[str], mandatory: list[str], seed: int, number: int, share: float, quorum: int, data: st.DataObject
) -> None:
    chosen = choose_sites(seed, number, sites, mandatory, share, quorum)
    shuffled = data.draw(st.permutations(sites))
    choose_sites(seed + 1, number + 1, sites, [], share, quorum)  # an earlier call leaves no trace
    assert choose_sites(seed, number, shuffled, list(reversed(mandatory)), share, quorum) == chosen
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= set(sites)
    assert set(mandatory) & set(sites) <= set(chosen)
    assert len(chosen) >= min(len(sites), max(quorum, math.ceil(share * len(sites) - 1e-9)))


@given(
    sites=SITES.filter(lambda sites: len(sites) > 2),
    seed=st.integers(0, 2**31),
    share=st.floats(0.01, 1.0),
    block=st.integers(0, 20),
)
def test_nobody_starves_in_a_block_of_rounds(sites: list[str], seed: int, share: float, block: int) -> None:
    mandatory = sites[:1]
    places = len(choose_sites(seed, 1, sites, mandatory, share, 2)) - 1
    length = math.ceil((len(sites) - 1) / places)
    rounds = range(block * length + 1, (block + 1) * length + 1)
    asked = {site for number in rounds for site in choose_sites(seed, number, sites, mandatory, share, 2)}
    assert asked == set(sites)


def test_everyone_is_asked_about_equally_often() -> None:
    counts = Counter(site for number in range(1, 1001) for site in choose_sites(0, number, NAMES, [], 0.3, 1))
    # 4 rounds a block with 3 of 10 places: 12 places, so 2 of 10 sites are asked twice; mean 300, spread of the rest.
    assert min(counts.values()) > 270
    assert max(counts.values()) < 330


def test_all_are_asked_with_a_share_of_one() -> None:
    assert choose_sites(3, 7, ["c", "a", "b"], [], 1.0, 1) == ("a", "b", "c")


def test_a_share_that_is_a_whole_number_asks_no_site_more() -> None:
    thirty = [f"{number:02d}" for number in range(30)]
    assert len(choose_sites(0, 1, thirty, [], 0.1, 1)) == 3


def test_other_seeds_and_rounds_choose_others() -> None:
    first = [choose_sites(0, number, NAMES, [], 0.3, 1) for number in range(1, 9)]
    assert len(set(first)) > 4
    assert first != [choose_sites(1, number, NAMES, [], 0.3, 1) for number in range(1, 9)]
