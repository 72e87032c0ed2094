"""Limits on what a coordinator may ask: every shipped experiment fits, what is beyond is named."""

from pathlib import Path

import pytest
import torch

from client.policy.limits import NAMES, Limits, are_limits, require_config_within, require_plan_within
from client.policy.memory_estimate import step_bytes
from client.site import read_site
from gmmas_core.config import load_config
from gmmas_core.model.gmmas import build_training_model
from gmmas_core.types import ConfigError, DataError, FederationError, RoundPlan

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
EXPERIMENTS = sorted(path.stem for path in (CONFIGS / "experiment").glob("*.yaml"))
CURRICULA = sorted(path.stem for path in (CONFIGS / "curriculum").glob("*.yaml"))


def plan(**change: object) -> RoundPlan:
    values = {"run_id": "aa", "round": 1, "seed": 0, "weights_hash": "", "stage": "supervised", "local_steps": 5}
    values |= {"lr": 0.1, "tasks": (), "deadline_s": 3600.0, "config_hash": "", "core_fingerprint": ""}
    return RoundPlan(**{**values, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_keeps_within_the_defaults(name: str) -> None:
    require_config_within(Limits(), load_config([f"experiment={name}"]))


@pytest.mark.parametrize("name", CURRICULA)
def test_every_curriculum_with_the_largest_network_keeps_within_the_defaults(name: str) -> None:
    config = load_config([f"curriculum={name}", "model=paper", "training.batch_size=2"])
    require_config_within(Limits(), config)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["training.local_steps=10001"], "local_steps 10001 (at most 10000)"),
        (["curriculum.stages=[{stage:supervised,rounds:1,local_steps:99999}]"], "local_steps 99999"),
        (["rounds=5001"], "curriculum.stages.rounds 5001 (at most 5000)"),
        (["training.batch_size=65"], "training.batch_size 65"),
        (["model.crop_size=512"], "model.crop_size 512"),
        (["model.context_size=512"], "model.context_size 512"),
        (["model.mlp_dim=100000"], "model widths 100000"),
        (["model.transformer_layers=1000"], "model layers 1000"),
        (["model=paper", "training.batch_size=60"], "memory of a step in GiB"),
        (["evaluation.mc_passes=1000"], "evaluation.mc_passes 1000"),
        (["pseudo_labels.mc_passes=1000"], "evaluation.mc_passes 1000"),
        (["evaluation.overlap=0.999", "data.spacing_mm=1"], "data.spacing_mm) 1.3824e+07 (at most 100000)"),
        (["evaluation.bootstrap=1000000"], "evaluation.bootstrap"),
        (["federation.deadline_s=1e7"], "federation.deadline_s 1e+07"),
        (["evaluation.max_validation_cases=10001"], "evaluation.max_validation_cases"),
    ],
)
def test_what_is_beyond_is_named(overrides: list[str], says: str) -> None:
    with pytest.raises(FederationError, match="policy: found ") as refused:
        require_config_within(Limits(), load_config(["experiment=smoke", *overrides]))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "overrides",
    [
        ["model.token_grid=256", "model.embed_dim=2048"],
        ["model.channels=[64,64,64,8192]", "model.embed_dim=8192", "model.head_channels=8192"],
        ["model.channels=[8,8,8,8]", "model.crop_size=256", "model.stem_stride=1", "model.transformer_layers=64"],
    ],
)
def test_all_of_a_network_is_reckoned(overrides: list[str]) -> None:
    """A table of positions, heads and tokens can take as much as convolutions."""
    with pytest.raises(FederationError, match="memory of a step in GiB"):
        require_config_within(Limits(), load_config(["experiment=smoke", *overrides]))


@pytest.mark.parametrize(
    "override",
    [
        "model.blocks=[64,64,64,-100000000]",
        "model.transformer_layers=-1000000000",
        "model.crop_size=-512",
        "model.context_size=0",
        "model.token_grid=-1",
        "model.transformer_heads=0",
        "model.mlp_dim=-8",
        "model.global_channels=[8]",
    ],
)
def test_a_network_of_less_than_nothing_is_none(override: str) -> None:
    """A negative number would make room in an estimate for what is too much elsewhere."""
    with pytest.raises(ConfigError, match=override.partition("=")[0]):
        load_config(["experiment=smoke", override])


@pytest.mark.parametrize("key", ["rounds", "training.batch_size", "model.transformer_layers"])
def test_a_number_of_any_length_is_refused_in_words(key: str) -> None:
    with pytest.raises(FederationError, match=r"policy: found .*over 1e\+300 \(at most"):
        require_config_within(Limits(), load_config(["experiment=smoke", f"{key}={'9' * 400}"]))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"local_steps": 10**6}, "local_steps 1e+06 (at most 10000)"),
        ({"round": 10**6}, "round 1e+06"),
        ({"deadline_s": 1e9}, "deadline_s 1e+09"),
        ({"deadline_s": float("nan")}, "deadline_s nan"),
    ],
)
def test_a_plan_is_limited_whatever_its_configuration_says(change: dict[str, object], says: str) -> None:
    require_plan_within(Limits(), plan())
    with pytest.raises(FederationError) as refused:
        require_plan_within(Limits(), plan(**change))
    assert says in str(refused.value)


def test_site_yaml_sets_them(tmp_path: Path) -> None:
    good = "site: north\nlabel_convention: brats2021\n"
    (tmp_path / "site.yaml").write_text(good + "limits: {local_steps: 7, memory_gb: 0.5}\ngpu_memory_share: 0.5\n")
    site = read_site(tmp_path)
    assert site.limits == Limits(local_steps=7, memory_gb=0.5)
    assert (site.gpu_memory_share, site.min_free_disk_gb, site.log_megabytes) == (0.5, 1.0, 20.0)
    with pytest.raises(FederationError, match=r"local_steps 8 \(at most 7\)"):
        require_plan_within(site.limits, plan(local_steps=8))
    for wrong in ("[1]", "{steps: 3}", "{rounds: 0}", "{rounds: many}", "{rounds: true}", "{rounds: .inf}", "{1: 1}"):
        (tmp_path / "site.yaml").write_text(good + f"limits: {wrong}\n")
        with pytest.raises(DataError, match="limits: found "):
            read_site(tmp_path)
    for wrong in ("gpu_memory_share: 2", "gpu_memory_share: .nan", "min_free_disk_gb: -1", "log_megabytes: lots"):
        (tmp_path / "site.yaml").write_text(f"{good}{wrong}\n")
        with pytest.raises(DataError, match=wrong.partition(":")[0]):
            read_site(tmp_path)
    assert are_limits(dict.fromkeys(NAMES, 1))


@pytest.mark.parametrize("overrides", [["model=tiny"], ["model=base", "model.crop_size=48"]])
def test_the_estimate_is_what_a_step_keeps(overrides: list[str]) -> None:
    """Counted: every tensor that autograd keeps for the backward pass of one batch."""
    config = load_config([*overrides, "training.batch_size=2"])
    model = build_training_model(config).train()
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    crop, context = config.model.crop_size, config.model.context_size
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        boxes = torch.tensor([[[-0.5] * 3, [0.5] * 3]] * 2)
        shown = torch.ones(2, 4, dtype=torch.bool)
        held = model(torch.zeros(2, 4, crop, crop, crop), shown, torch.zeros(2, 4, context, context, context), boxes)
    own = {value.untyped_storage().data_ptr() for value in model.parameters()}
    counted = sum(size for place, size in kept.items() if place not in own)
    counted += 16 * sum(value.numel() for value in model.parameters())
    assert held.seg_logits_BKXYZ.requires_grad
    assert 0.5 < step_bytes(config) / counted < 1.5
