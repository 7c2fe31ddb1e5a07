"""Late beacons and duplicates, put to a real stream as the agent of a cut-off server would."""

import gzip
import random
import re
import subprocess
import time
from collections import Counter

import pytest

from assets.agent.access_log import beacon_id, click_record, encode
from assets.agent.user_agent import described
from helpers.core.cloud import Cloud
from helpers.core.paths import REPOSITORY
from helpers.generator.delayed_delivery import log_line
from helpers.generator.shop import Shop
from helpers.local import ports
from helpers.traffic import generator_process
from helpers.traffic import traffic as traffic_module
from helpers.traffic.traffic import Traffic
from tests.catcher import catching, sent_all, until
from tests.running_server import COMMAND
from tests.shipped import shipped


@pytest.fixture
def cloud(emulator):
    """A cloud with a clicks stream of this test's own."""
    cloud = Cloud(emulator.session, emulator.account, "traffic", emulator.endpoint)
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName=cloud.name("clicks"), ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(
        StreamName=cloud.name("clicks"), WaiterConfig={"Delay": 1}
    )
    yield cloud
    kinesis.delete_stream(StreamName=cloud.name("clicks"))


@pytest.fixture
def flowing(own_home, cloud, monkeypatch):
    with catching() as catcher:
        monkeypatch.setattr(traffic_module, "beacon_url", lambda cloud: catcher.url)
        yield Traffic(cloud), catcher
        generator_process.end("live")


def test_late_beacons_come_with_their_old_time_and_a_name_of_their_own(flowing, cloud):
    traffic, catcher = flowing
    totals, journal = (
        sent_all(traffic, rate=200, seconds=2, late_percent=20, late_seconds=45),
        traffic.journal(),
    )
    late = shipped(cloud, cloud.name("clicks"))
    assert totals.sent == totals.answered == 400
    assert totals.late == len(late) == 400 - len(catcher.beacons) > 30
    assert len({record["beacon_id"] for record in late}) == len(late)
    journaled = journal[journal.kind == "late"]
    assert set(journaled.beacon_id) == {record["beacon_id"] for record in late}
    assert set(journaled.expect) == {"accepted"}
    for record in late:
        assert record["beacon_id"].startswith("cut-off-server:")
        assert record["received_at"] == pytest.approx(record["shipped_at"] - 45_000, abs=2)
        assert record["event"] and record["response"] == 200


def test_a_lateness_over_the_horizon_is_expected_to_be_too_late(flowing):
    traffic, _ = flowing
    totals = sent_all(traffic, rate=100, seconds=1, late_percent=20, late_seconds=3_700)
    assert totals.expect["too_late"] == totals.late > 0


def test_duplicates_are_copies_of_originals_and_never_copies_of_copies(flowing, cloud):
    traffic, catcher = flowing
    traffic.start(rate=100, duplicates_percent=20)
    shop, offset, sent = Shop(random.Random(1)), 0, []
    while traffic.status()["duplicates"] < 40:  # meanwhile play the agent of an ordinary server
        entries = []
        for _ in range(20):
            line = log_line(shop.beacon(50, 0.0), time.time(), "::1")
            now = int(time.time() * 1000)
            record = click_record(line, beacon_id("server-1", 1, offset, line), now)
            offset += len(line) + 1
            sent.append(record["beacon_id"])
            entries.append({"Data": encode(record, now), "PartitionKey": record["beacon_id"]})
        cloud.client("kinesis").put_records(StreamName=cloud.name("clicks"), Records=entries)
        time.sleep(0.2)
    totals, journal = traffic.stop(), traffic.journal()
    assert len(catcher.beacons) == totals.sent - totals.duplicates  # they come on top
    put = shipped(cloud, cloud.name("clicks"))
    times_there = Counter(record["beacon_id"] for record in put)
    copied = {name for name, times in times_there.items() if times > 1}
    assert set(times_there) == set(sent)
    assert max(times_there.values()) == 2
    assert len(copied) == totals.duplicates == totals.expect["duplicate"]
    assert set(journal[journal.kind == "duplicate"].beacon_id) == copied
    originals = {}
    for record in put:
        original = originals.setdefault(record["beacon_id"], record)
        assert record | {"shipped_at": 0} == original | {"shipped_at": 0}


def test_without_a_stream_it_says_so_and_the_rest_flows_on(flowing, cloud):
    traffic, catcher = flowing
    traffic.cloud = Cloud(cloud.session, cloud.account, "absent", cloud.endpoint)
    traffic.start(rate=100, late_percent=20)
    until(lambda: "absent-clicks" in (traffic.status()["problem"] or ""))
    until(lambda: traffic.status()["not_sent"] > 0)
    before = len(catcher.beacons)
    until(lambda: len(catcher.beacons) > before)
    totals = traffic.stop()
    assert totals.late == 0
    assert totals.answered == len(catcher.beacons)


@pytest.fixture
def served(own_home, cloud, monkeypatch, tmp_path):
    """Traffic to a real beacon server, and the file it logs to."""
    log, port = tmp_path / "access.log", ports.free_port()
    server = subprocess.Popen(
        [*COMMAND, "--port", str(port), "--log", str(log)],
    )
    url = f"http://127.0.0.1:{port}"
    assert ports.wait_for(f"{url}/health", 20)
    monkeypatch.setattr(traffic_module, "beacon_url", lambda cloud: url)
    yield Traffic(cloud), log
    generator_process.end("live")
    generator_process.end("replay")
    server.terminate()
    server.wait(20)


def logged(log):
    """The click records of the beacons in a log: what the agent would ship."""
    lines = log.read_bytes().splitlines()
    made = [described(click_record(line[:8_193], str(n), 1 << 50)) for n, line in enumerate(lines)]
    return [each for each in made if "/health" not in (each.get("request") or "")]


def shown(value):
    """A cell of the journal as a record has it."""
    return None if isinstance(value, float) else value


def test_a_malformed_beacon_becomes_what_the_journal_expects(served):
    traffic, log = served
    totals, journal = (
        sent_all(traffic, rate=400, seconds=2, malformed_percent=20, bots_percent=10),
        traffic.journal(),
    )
    made = logged(log)
    assert totals.answered == len(made) == 800
    outcomes = (each.get("rejected") or ("bot" if each["bot"] else "accepted") for each in made)
    assert Counter(outcomes) == totals.expect and totals.expect["bot"] > 20
    names = ["event", "clientid", "page", "agent", "referrer"]
    accepted = journal[journal.expect.isin(["accepted", "bot"])][names].itertuples(index=False)
    assert Counter(tuple(map(shown, row)) for row in accepted) == Counter(
        tuple(each[name] for name in names) for each in made if "rejected" not in each
    )


def test_a_replayed_log_is_logged_again_as_it_was(served):
    traffic, log = served
    totals = traffic.replay(REPOSITORY / "assets/sample/access.log.gz", rate=2_000)
    with gzip.open(REPOSITORY / "assets/sample/access.log.gz", "rt") as file:
        quoted = [re.findall(r'"((?:[^"\\]|\\.)*)"', line) for line in file]
    made = logged(log)
    assert totals.answered == len(made) == len(quoted) == 2_000
    assert not any("rejected" in each for each in made)
    # The server's own log holds the same escaped text of referrer and agent as the log replayed.
    again = [
        re.findall(r'"((?:[^"\\]|\\.)*)"', line)
        for line in log.read_text("ascii").splitlines()
        if "/beacon " in line
    ]
    assert Counter((r, a) for _, r, a in quoted) == Counter((q[1], q[2]) for q in again)
