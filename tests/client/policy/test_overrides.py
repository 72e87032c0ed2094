"""Override strings of a coordinator: plain values of known keys pass, whatever could do more is refused by its key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.policy.overrides import MAX_LENGTH, MAX_OVERRIDES, require_plain, without_lab_keys
from gmmas_core.config import config_groups, config_keys, load_config
from gmmas_core.types import ConfigError, FederationError

SECRET = "hunter2-of-this-hospital"
CONFIGS = Path(__file__).resolve().parents[3] / "configs"

HOSTILE = [
    "name=${oc.env:GMMAS_SECRET}",
    "name=$\\{oc.env:GMMAS_SECRET}",
    "name=\\${oc.env:GMMAS_SECRET}",
    "name=\\\\${oc.env:GMMAS_SECRET}",
    "name='${oc.env:GMMAS_SECRET}'",
    "name='\\${oc.env:GMMAS_SECRET}'",
    'name="$\\{oc.env:GMMAS_SECRET}"',
    "notice=${oc.env:GMMAS_SECRET}",
    "notice='$\\{oc.env:GMMAS_SECRET}'",
    "notice=${oc.create:'${oc.env:GMMAS_SECRET}'}",
    "notice=${oc.decode:${oc.env:GMMAS_SECRET}}",
    "notice=${hydra:runtime.cwd}",
    "notice=${hydra:job.env_set}",
    "training.lr=${oc.env:GMMAS_SECRET}",
    "training.lr=$\\{oc.env:GMMAS_SECRET}",
    "training.lr=$ {oc.env:GMMAS_SECRET}",
    "strategy.signals=[${oc.env:GMMAS_SECRET}]",
    "curriculum.stages=[{stage:$\\{oc.env:GMMAS_SECRET},rounds:1}]",
    'tasks=["$\\{oc.env:GMMAS_SECRET}"]',
    "model=${oc.env:GMMAS_SECRET}",
    "experiment=$\\{oc.env:GMMAS_SECRET}",
    "curriculum.stages=[{stage:'${oc.dict.values:model}',rounds:1}]",
]

UNFIT = [
    "+data.x=1",
    "++training.lr=1",
    "~training",
    "~training.lr=3e-4",
    "model@data=tiny",
    "training.lr",
    "",
    "=1",
    "hydra.run.dir=/etc",
    "hydra/launcher=basic",
    "hydra.job.chdir=true",
    "data._target_=os.system",
    "_target_=os.system",
    "data.root=/etc",
    "data.deal=brats_unlabelled",
    "data.partition=fets",
    "experiment=../../../etc/passwd",
    "experiment=/etc/passwd",
    "model=pkg://os",
    "model=huge",
    "deal=brats_unlabelled",
    "nonsense=1",
    "training={lr:1}",
    "training.lr=choice(1,2)",
    "training.lr=range(1,9)",
    "training.lr=int(3)",
    "notice=a\nb",
    "notice='a\x1b[2J'",
    "name=a\\b",
    "name=a/b",
    "model.name=a;b",
    "curriculum.stages=" + "[" * 5 + "]" * 5,
    "notice=" + "x" * MAX_LENGTH,
]


@pytest.mark.parametrize("override", HOSTILE)
def test_no_form_of_an_interpolation_is_taken_nor_its_value_told(
    override: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GMMAS_SECRET", SECRET)
    with pytest.raises(FederationError, match="policy: found ") as refused:
        require_plain(["experiment=smoke", override])
    assert SECRET not in str(refused.value)
    # Nor by whoever composes without this policy.
    with pytest.raises(ConfigError) as refused_too:
        load_config(["experiment=smoke", override])
    assert SECRET not in str(refused_too.value)


@pytest.mark.parametrize("override", UNFIT)
def test_what_is_no_plain_value_of_a_known_key_is_refused(override: str) -> None:
    with pytest.raises(FederationError, match="policy: found ") as refused:
        require_plain([override])
    value = override.partition("=")[2]
    assert len(value) < 8 or value not in str(refused.value), "the value is not repeated"
    assert len(str(refused.value)) < 400


def test_a_resolver_in_a_composed_file_is_refused_before_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a changed installation may let a value of this machine into a text that leaves it."""
    from omegaconf import OmegaConf

    from gmmas_core import config

    monkeypatch.setenv("GMMAS_SECRET", SECRET)
    for text in ("${oc.env:GMMAS_SECRET}", "a ${oc.env:GMMAS_SECRET} b", "${rounds}${oc.env:GMMAS_SECRET}"):
        with pytest.raises(ConfigError, match=r"^stages\[0\].stage: found an interpolation") as refused:
            config._refuse_resolvers(OmegaConf.to_container(OmegaConf.create({"stages": [{"stage": text}]})))
        assert SECRET not in str(refused.value)
    config._refuse_resolvers({"a": ["${rounds}", "${training.lr} and ${rounds}"]})


GOOD = [
    "experiment=smoke",
    "rounds=5",
    "training.lr=1e-4",
    "training.lr=+1.5E-3",
    "model.channels=[8,8,8,8]",
    "tasks=[]",
    "strategy.server_optimizer.lr=0.02",
    "strategy.local_groups=[uncertainty,norm]",
    "curriculum.stages=[{stage:supervised,rounds:4,lr_scale:0.5},{stage:finetune,rounds:2}]",
    "notice='Phantoms: <of nobody>, 1p/19q | it''s (a test).'",
    "federation.mandatory=[east,north]",
    "evaluation.subsets=true",
    "acceptance.check=none",
]


def test_what_people_write_passes_and_composes() -> None:
    require_plain(GOOD)
    assert load_config(GOOD[:3]).rounds == 5


def test_every_group_and_every_file_in_it_may_be_chosen() -> None:
    groups = config_groups()
    not_chosen = {"deal", "partition", "__pycache__"}
    assert set(groups) == {folder.name for folder in CONFIGS.iterdir() if folder.is_dir()} - not_chosen
    for group, options in groups.items():
        require_plain([f"{group}={option}" for option in options])


def test_there_is_a_most_of_everything() -> None:
    with pytest.raises(FederationError, match=f"found {MAX_OVERRIDES + 1} overrides"):
        require_plain(["seed=1"] * (MAX_OVERRIDES + 1))
    with pytest.raises(FederationError, match="20000 characters"):
        require_plain(["notice=" + "x" * 1900] * 11)


def test_what_the_lab_alone_reads_can_be_left_out() -> None:
    assert without_lab_keys(["seed=1", "data.root=/a b", "data.deal=x", "data.workers=2"]) == (
        "seed=1",
        "data.workers=2",
    )


@given(st.sampled_from(config_keys()), st.text(max_size=60))
def test_whatever_text_comes_it_is_taken_or_refused_and_never_interpolated(key: str, value: str) -> None:
    try:
        require_plain([f"{key}={value}"])
    except FederationError:
        return
    assert not set(value) & set("$\\`")
    assert value.isprintable()
