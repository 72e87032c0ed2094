"""Every network is measured in one run; how fast it is stays the benchmark's affair, sizes are checked here."""

import pytest

from server.lab.bench_network import bench_network


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_step_is_measured_beside_the_peers() -> None:
    rows = {str(row["network"]): row for row in bench_network(repeats=1, seed=0, threads=1)}
    assert list(rows) == ["GMMAS base", "SegResNet", "DynUNet", "SwinUNETR"]
    assert all(float(str(row["step_s"])) > 0 for row in rows.values())
    assert 4 <= float(str(rows["GMMAS base"]["params_M"])) <= 5
    assert float(str(rows["GMMAS base"]["peak_rss_mb"])) < float(str(rows["SegResNet"]["peak_rss_mb"]))
    assert rows["SegResNet"]["ratio_to_segresnet"] == 1.0
