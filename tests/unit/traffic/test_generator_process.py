"""The generator as a process: it follows its settings, there is one, and it leaves no orphan."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import boto3
import pytest

from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.generator.malformed import _CASES
from helpers.traffic import generator_process
from helpers.traffic import traffic as traffic_module
from helpers.traffic.traffic import Traffic
from tests.catcher import until


def test_a_run_of_some_seconds_sends_exactly_its_share_and_journals_each_beacon(flowing):
    traffic, catcher = flowing
    traffic.start(rate=200, seconds=2)
    until(lambda: traffic.status()["state"] != "running")
    totals = traffic.stop()
    assert (totals.sent, totals.answered, totals.failed) == (400, 400, 0)
    assert len(catcher.beacons) == 400
    journal = traffic.journal()
    sent = sorted(beacon["clientid"].decode() for beacon in catcher.beacons)
    assert sorted(journal.clientid) == sent
    assert set(journal.kind) == {"beacon"} and set(journal.status) == {200}
    assert str(totals) == "Beacons: 400 sent in 2 s, 400 answered, 0 failed."


def test_traffic_of_an_earlier_target_at_the_same_address_begins_again(flowing):
    traffic, _ = flowing
    traffic.start(rate=0)
    pid = traffic.status()["pid"]
    session = boto3.Session("later", "later", region_name="us-east-1")
    Traffic(replace(traffic.cloud, session=session)).start(rate=0)
    assert traffic.status()["pid"] != pid


def test_settings_are_followed_while_it_runs(flowing):
    traffic, catcher = flowing
    traffic.start(rate=0)
    pid = traffic.status()["pid"]
    traffic.set(rate=100, mix={"login": 1})
    until(lambda: len(catcher.beacons) > 20)
    traffic.start(rate=100, mix={"logoff": 1}, visitors=3)  # flows already: only settings change
    until(lambda: catcher.beacons[-1]["event"] == b"logoff")
    assert traffic.status()["pid"] == pid
    assert {beacon["event"] for beacon in catcher.beacons} == {b"login", b"logoff"}
    assert traffic.settings()["visitors"] == 3


def test_a_generator_that_is_too_slow_is_ended_with_a_cause_and_a_remedy(flowing, monkeypatch):
    traffic, _ = flowing
    started = []

    def popen(*arguments, **options):
        started.append(subprocess.Popen(*arguments, **options))
        return started[-1]

    slow = SimpleNamespace(**vars(subprocess) | {"Popen": popen})
    monkeypatch.setattr(generator_process, "subprocess", slow)
    for name in ("START_SECONDS", "END_SECONDS"):
        monkeypatch.setattr(generator_process, name, 0.0)
    with pytest.raises(WorkshopError, match="did not start: it wrote nothing"):
        traffic.start(rate=10)
    assert started[0].returncode == -signal.SIGKILL


def test_an_outage_stops_the_flow_and_a_burst_needs_one(flowing):
    traffic, catcher = flowing
    with pytest.raises(WorkshopError, match="No traffic is flowing"):
        traffic.burst()
    traffic.start(rate=200)
    until(lambda: catcher.beacons)
    traffic.outage()
    until(lambda: traffic.status()["rate_now"] == 0)
    before = len(catcher.beacons)
    traffic.burst()
    until(lambda: len(catcher.beacons) > before)


def test_malformed_beacons_carry_their_expected_outcome(flowing):
    traffic, catcher = flowing
    seen, numbers, pages, in_journal = set(), set(), set(), set()

    def run_has_the_last_case() -> bool:
        catcher.beacons.clear()
        traffic.start(rate=500, seconds=2, malformed_percent=20)
        until(lambda: traffic.status()["state"] != "running")
        totals, journal = traffic.stop(), traffic.journal()
        # A busy machine does not send all in time; what it sent was answered.
        assert totals.sent + totals.failed == 1_000
        assert totals.sent == totals.answered == len(catcher.beacons)
        assert totals.malformed == (journal.kind == "malformed").sum() > totals.sent / 10
        assert totals.expect == journal.expect.value_counts().to_dict()
        seen.update(totals.expect)
        numbers.update(beacon.get("custom_metric_int_value") for beacon in catcher.beacons)
        pages.update(beacon.get("page") for beacon in catcher.beacons)
        in_journal.update(journal.page)
        return (
            seen == {expect for expect, _ in _CASES}
            and b"banana" in numbers
            and b"/caf\xe9/\xff\xfe" in pages
            and "/caf\\xe9/\\xff\\xfe" in in_journal
        )

    until(run_has_the_last_case)


def test_without_a_server_it_continues_and_reports_it(flowing):
    traffic, catcher = flowing
    traffic.start(rate=50)
    until(lambda: catcher.beacons)
    catcher.answer = None
    until(lambda: traffic.status()["unknown"])
    catcher.answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    until(lambda: 503 in set(traffic.journal().status))
    status = traffic.status()
    assert status["state"] == "running"
    assert status["sent"] >= status["answered"] + status["failed"] - status["not_sent"]


def test_it_ends_when_its_parent_is_killed(flowing):
    traffic, catcher = flowing
    code = (
        "import boto3, sys, time\n"
        "from helpers.traffic import traffic\n"
        "from helpers.core.cloud import Cloud\n"
        "traffic.beacon_url = lambda cloud: sys.argv[1]\n"
        "session = boto3.Session('test', 'test', region_name='us-east-1')\n"
        "traffic.Traffic(Cloud(session, '000000000000')).start(rate=50)\n"
        "print('started', flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, catcher.url],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )
    assert parent.stdout.readline() == b"started\n"
    assert generator_process.running_pid("live") == traffic.status()["pid"]
    parent.kill()
    parent.wait()
    until(lambda: generator_process.running_pid("live") is None)
    status = traffic.status()
    assert status["state"] == "stopped"
    assert status["ended_by"] == "the notebook's kernel is gone"
    assert len(traffic.journal()) == status["sent"] + status["not_sent"]
    assert status["sent"] == len(catcher.beacons)


def test_the_latest_start_wins(flowing):
    traffic, _ = flowing
    other = subprocess.Popen(
        [sys.executable, "-m", "helpers.generator", "live"],
        stdin=subprocess.PIPE,
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
    )
    # Without settings, it prints how to start.
    assert b"start traffic with Traffic(cloud).start()" in other.communicate(timeout=30)[1]
    traffic.start(rate=20)
    first = traffic.status()["pid"]
    second = subprocess.run(
        [sys.executable, "-m", "helpers.generator", "live"],
        cwd=REPOSITORY,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert b"is already running" in second.stderr
    traffic.start(rate=20, seconds=60)  # a run with `seconds` is always a new one
    assert traffic.status()["pid"] != first
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a_killed_generator_is_reported_and_can_be_started_again(flowing):
    traffic, catcher = flowing
    traffic.start(rate=50)
    until(lambda: catcher.beacons)
    os.kill(traffic.status()["pid"], signal.SIGKILL)
    until(lambda: traffic.status()["state"] == "stopped")
    assert traffic.status()["problem"] == "The generator was killed."
    traffic.start(rate=50)
    until(lambda: traffic.status()["sent"] > 0)
    assert traffic.status()["problem"] is None


def test_stop_without_a_start(flowing):
    traffic, _ = flowing
    assert traffic.stop().sent == 0
    assert traffic.status()["state"] == "never started"
    assert traffic.journal().empty


def test_a_cell_run_again_starts_no_second_thread_or_process(flowing):
    traffic, catcher = flowing

    def threads():
        return [each for each in threading.enumerate() if each.name == "traffic-controls"]

    from helpers.traffic import controls

    for _ in range(2):
        traffic.controls()
        panel = controls._registry["traffic-controls"]
        assert len(threads()) == 1
        panel._sliders["rate"].value = 45 if panel._sliders["rate"].value != 45 else 50
        until(lambda: traffic.status()["state"] == "running")
    until(lambda: traffic.settings()["rate"] == 50)
    until(lambda: "beacons/s" in panel._line.value)
    assert 'role="status"' in panel._line.value
    panel.stop()
    assert not threads()


def test_the_sliders_follow_what_a_cell_sets_and_never_take_it_back(flowing):
    traffic, catcher = flowing
    from helpers.traffic import controls

    traffic.start(rate=2_000, bots_percent=7)  # more than the slider's maximum
    traffic.controls()
    panel = controls._registry["traffic-controls"]
    assert (panel._sliders["rate"].value, panel._sliders["bots_percent"].value) == (500, 7)
    traffic.set(malformed_percent=5, mix={"click": 9})
    until(lambda: panel._sliders["malformed_percent"].value == 5)
    until(lambda: panel._mix["click"].value == 9 and panel._mix["login"].value == 0)
    panel._sliders["visitors"].value = 77
    until(lambda: traffic.settings()["visitors"] == 77)
    settings = traffic.settings()
    assert (settings["rate"], settings["bots_percent"], settings["mix"]) == (2_000, 7, {"click": 9})
    panel.stop()


def test_a_mistake_in_a_callback_is_shown_in_the_status_line(flowing, monkeypatch):
    traffic, _ = flowing
    from helpers.traffic import controls

    def no_fleet(cloud):
        raise WorkshopError("No server for <beacons>.", "Deploy first.")

    monkeypatch.setattr(traffic_module, "beacon_url", no_fleet)
    traffic.controls()
    panel = controls._registry["traffic-controls"]
    panel._sliders["rate"].value = 100
    until(lambda: "No server for &lt;beacons&gt;. Deploy first." in panel._line.value)
    panel.stop()
