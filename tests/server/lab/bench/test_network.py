"""Every network is measured in one run; how fast it is stays the benchmark's affair, sizes are checked here."""

import pytest
import torch

from gmmas_core.types import NUM_SEG_CLASSES, SEQUENCES
from server.lab.bench.network import NETWORKS, bench_network
from server.lab.bench.peers import PEERS


@pytest.mark.parametrize("name", PEERS)
def test_peers_read_four_sequences(name: str) -> None:
    assert name in NETWORKS
    with torch.inference_mode():
        said = PEERS[name]().eval()(torch.zeros(1, len(SEQUENCES), 64, 64, 64))
    assert said.shape == (1, NUM_SEG_CLASSES, 64, 64, 64)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_step_is_measured_beside_the_peers() -> None:
    networks = ["GMMAS base", "SegResNet"]
    rows = {str(row["network"]): row for row in bench_network(1, 0, 1, networks)}
    assert list(rows) == networks
    assert all(float(str(row["step_s"])) > 0 for row in rows.values())
    assert 4 <= float(str(rows["GMMAS base"]["params_M"])) <= 5
    assert float(str(rows["GMMAS base"]["peak_rss_mb"])) < float(str(rows["SegResNet"]["peak_rss_mb"]))
    assert rows["SegResNet"]["ratio_to_segresnet"] == 1.0
