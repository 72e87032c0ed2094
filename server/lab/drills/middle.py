"""Drills of what may stand between a hospital and the coordinator: a proxy, an inspector, a cut."""

from server.lab.drills.commands import COORDINATOR, end, typed
from server.lab.drills.judging import PATIENCE_S, Drill, Findings, wait_for
from server.lab.drills.network import PORT, SERVER
from server.lab.drills.relay import Proxy, Relay
from server.lab.drills.run_under_way import hold
from server.lab.drills.stage import CONNECTED, EVERYBODY, MANY_ROUNDS, WITHOUT_THE_LATE, Stage
from server.lab.drills.template import NAMES
from server.serving.child_processes import wait_until

CUT_AFTER = 4000
"""Bytes: more than any request has but those that carry a reply's arrays."""

SLACK_S = 60.0
"""How long after its last deadline a round may close: a busy machine needs some time for its other work."""


def upload_cut(stage: Stage, found: Findings) -> None:
    """South's line ends for good in the middle of its reply, and comes back after the round."""
    armed = stage.folder / "armed"
    relay = Relay(stage, "south", "--cut-after", str(CUT_AFTER), "--armed", str(armed))
    run = stage.launch(MANY_ROUNDS, *WITHOUT_THE_LATE)
    run.tells("site-asked", round=2, site="south")
    busy = hold(stage.nodes["south"])
    armed.touch()
    busy.resume()
    cut = wait_for(lambda: relay.count("cut"), "upload that was cut")
    stage.network.cut("south")
    found.that(f"{cut} upload cut after {CUT_AFTER} bytes", True)
    run.judge_round(found, 2, ("east", "north"))
    (hard_s,) = [e["hard_s"] for e in run.events() if e["kind"] == "round-started" and e["round"] == 2][-1:]
    took_s = run.round(2)["duration_s"]
    found.that(f"round 2 took {took_s:.0f} s with a deadline of {hard_s:.0f} s", took_s < hard_s + SLACK_S)
    armed.unlink()
    stage.network.heal("south")
    run.counts_again(found, "south", after=2)
    run.judge_stop(found)
    relay.end()


def upload_retried(stage: Stage, found: Findings) -> None:
    """South's upload is cut in its middle, again and again, until the line holds."""
    armed = stage.folder / "armed"
    relay = Relay(stage, "south", "--cut-after", str(CUT_AFTER), "--armed", str(armed))
    run = stage.launch(MANY_ROUNDS, *EVERYBODY)
    run.tells("site-asked", round=2, site="south")
    busy = hold(stage.nodes["south"])
    armed.touch()
    busy.resume()
    cut = wait_for(lambda: relay.count("cut"), "upload that was cut")
    armed.unlink()
    found.that(f"upload cut {cut} times after {CUT_AFTER} bytes", True)
    run.judge_round(found, 2, NAMES)
    run.judge_stop(found)
    relay.end()


def http_proxy(stage: Stage, found: Findings) -> None:
    """South may reach nothing but its hospital's proxy, and its node is told so in HTTPS_PROXY."""
    end(stage.nodes["south"])
    proxy = Proxy(stage)
    stage.network.only("south", proxy.host)
    told = {"HTTPS_PROXY": f"http://{proxy.host}:{proxy.port}"}
    before = ("env", f"HTTPS_PROXY={told['HTTPS_PROXY']}")
    said = stage.site("south", "check", stage.hospitals["south"], "--connect", before=before).text
    found.that("check --connect: the server answers through the proxy", "answers through the proxy" in said)
    stage.start("south", environment=told)
    stage.wait_for_nodes("south")
    run = stage.launch(MANY_ROUNDS, *EVERYBODY)
    run.judge_round(found, 1, NAMES)
    run.judge_stop(found)
    tunnels = proxy.count("connections")
    found.that(f"{tunnels} connections through the proxy", tunnels > 0)


def tls_inspected(stage: Stage, found: Findings) -> None:
    """A device opens TLS between south and the server, with a certificate of its own."""
    end(stage.nodes["south"])
    other = stage.folder / "inspector"
    other.mkdir()
    names = f"name: other\nserver: {{address: '{SERVER}:{PORT}'}}\nsites: [nobody]\n"
    (other / "federation.yaml").write_text(names)
    typed([*COORDINATOR, "provision", other]).require_done()
    device = Relay(stage, "south", "--certificate", str(other / "server" / "server.crt"))
    said = stage.site("south", "check", stage.hospitals["south"], "--connect")
    words = "a certificate that the enrolment's authority has not signed"
    found.that(f"check --connect: found {words}", said.code == 1 and words in " ".join(said.text.split()))
    node = stage.start("south")
    complaint = "CERTIFICATE_VERIFY_FAILED"
    wait_until(lambda: complaint in node.log_text(), [node], PATIENCE_S)
    found.that(f"the node's log: {complaint}", CONNECTED not in node.log_text())
    opened, carried = device.count("opened"), device.count("carried")
    found.that(f"the device read {carried} bytes", opened == carried == 0)
    device.end()
    stage.wait_for_nodes("south")
    found.that("without the device the node connected by itself", True)


DRILLS = (
    Drill(
        name="upload-retried",
        disturbance="a hospital's upload is cut in its middle, until the line holds",
        expected="its node sends again, the round counts everybody",
        play=upload_retried,
        restores=True,
    ),
    Drill(
        name="tls-inspected",
        disturbance="a device on the hospital's network opens TLS with a certificate of its own",
        expected="check says which device to look for, the node sends nothing, and connects when the device is gone",
        play=tls_inspected,
        restores=True,
    ),
    Drill(
        name="upload-cut",
        disturbance="a hospital's line ends in the middle of its upload, and comes back later",
        expected="the round closes at its deadline without the hospital, a later one counts it",
        play=upload_cut,
        restores=True,
    ),
    Drill(
        name="http-proxy",
        disturbance="a hospital reaches nothing but its HTTP proxy (CONNECT)",
        expected="check names the proxy, the node connects through it and takes part",
        play=http_proxy,
    ),
)
