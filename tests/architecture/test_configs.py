"""Every experiment file says what it is, composes, and names no code."""

from pathlib import Path

import pytest

from gmmas_core.config import config_from_dict, config_hash, config_to_dict, load_config
from gmmas_core.config_curriculum import STAGE_NAMES
from gmmas_core.schedule import schedule
from gmmas_core.training.stages import STAGES
from gmmas_core.types import ConfigError

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
EXPERIMENTS = sorted((CONFIGS / "experiment").glob("*.yaml"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_opens_with_command_time_and_expectation(path: Path) -> None:
    head = path.read_text().split("\nname:")[0]
    study, _, mode = path.stem.partition("_")
    commands = (f"experiment={path.stem}", f"gmmas-lab {path.stem}", f"gmmas-lab {study} method --mode {mode}")
    assert any(command in head for command in commands)
    assert "# Command:" in head
    assert "# Time:" in head
    assert "# Expect:" in head


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_composes_and_round_trips(path: Path) -> None:
    config = load_config([f"experiment={path.stem}"])
    assert config_hash(config_from_dict(config_to_dict(config))) == config_hash(config)


@pytest.mark.parametrize("group", sorted(path.parent.name for path in CONFIGS.glob("*/*.yaml")))
def test_no_file_names_code(group: str) -> None:
    for path in (CONFIGS / group).glob("*.yaml"):
        assert "_target_" not in path.read_text()


def test_two_machines_with_other_folders_agree() -> None:
    here = load_config(["experiment=smoke", "data.root=a", "data.workers=1"])
    there = load_config(["experiment=smoke", "data.root=b", "data.workers=2"])
    assert config_hash(here) == config_hash(there)
    assert config_hash(here) != config_hash(load_config(["experiment=smoke", "training.lr=0.5"]))


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("training.lrr=1", "training.lr"),
        ("model=huge", "tiny"),
        ("experiment=nope", "smoke"),
        ("nonsense=1", "curriculum.stages"),
        ("training.lr=-1", "above 0"),
        ("training.lr=fast", "expected a number"),
        ("model.crop_size=33", "multiple of"),
        ("tasks=[codel_1p19q]", "given IDH"),
        ("tasks=[grade]", "histology"),
        ("federation.quorum=9", "min_sites"),
        ("model.name=${oc.env:HOME}", "interpolation"),
        ("+data._target_=os.system", "_target_"),
    ],
)
def test_a_bad_override_is_refused_with_the_valid_ones(override: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("[", r"\[")):
        load_config(["experiment=smoke", override])


def test_a_number_without_a_dot_is_a_number() -> None:
    assert load_config(["experiment=smoke", "training.lr=1e-4"]).training.lr == 1e-4


def test_every_stage_that_a_curriculum_may_name_can_be_played() -> None:
    assert set(STAGE_NAMES) == set(STAGES)


@pytest.mark.parametrize("path", sorted((CONFIGS / "curriculum").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_curriculum_composes(path: Path) -> None:
    config = load_config(["experiment=smoke", f"curriculum={path.stem}"])
    assert config.curriculum.name == path.stem
    assert "supervised" in [slot.stage for slot in schedule(config)]
