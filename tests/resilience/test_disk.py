"""Full disks, really full: nothing is confirmed that is not kept, and all goes on afterwards."""

import contextlib
import json
import re
import signal
import sys
import time

import pytest

from helpers.core.errors import WorkshopError
from helpers.local import beacon_server_process as local_server
from helpers.local import child_process
from helpers.local.flink.pump_in import PumpIn
from helpers.local.ports import free_port
from tests.catcher import until
from tests.e2e.flink_reference import expected, records
from tests.e2e.flink_target import Target
from tests.e2e.foreign_controller import EGYPTIAN
from tests.e2e.test_flink_job import put, settle, without
from tests.running_server import Client, Flood, all_of, statuses
from tests.shipped import new_stream, shipped
from tests.small_disk import filled, limit_files, small_disk

SECONDS = 900
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit")


@linux
def test_of_requests_written_at_once_those_are_confirmed_that_fit(server):
    requests = [b"GET /beacon HTTP/1.1\r\nHost: a\r\nevent: %d\r\n\r\n" % n for n in range(50)]
    limit_files(server.process.pid, 1000)
    with server.raw() as client:
        client.sendall(b"".join(requests))
        answered = statuses(all_of(client))
    fitting = answered.count(200)
    assert answered == [200] * fitting + [503] and 5 <= fitting < 20
    assert server.events() == [str(number) for number in range(fitting)]
    assert server.log.read_bytes().endswith(b"\n")
    server.end()
    assert len(server.said) == 1 and "can't be written" in server.said[0]


@linux
def test_each_beacon_is_confirmed_or_not_in_the_log_and_the_server_recovers(server):
    flood = Flood(server.port)
    try:
        for turn in range(1, 6):
            limit_files(server.process.pid, server.log.stat().st_size + 1000)
            until(lambda turn=turn: len(flood.refused) >= 20 * turn, SECONDS)
            before = len(flood.confirmed)
            limit_files(server.process.pid, None)
            until(lambda before=before: len(flood.confirmed) >= before + 200, SECONDS)
    finally:
        flood.stop()
    # Exactly these, each once, and not one half of a line.
    assert sorted(server.events()) == sorted(flood.confirmed)
    said = "".join(server.said)
    assert "The access log can't be written: [Errno 27] File too large" in said
    told = re.findall(r"can be written again; (\d+) requests were answered 503", said)
    assert len(told) >= 5 and sum(map(int, told)) >= len(flood.refused)


def test_a_server_and_its_agent_on_a_full_disk(emulator, own_home, tmp_path, monkeypatch):
    """The access log, the agent's state and both programs' output, all on one disk of 2 MB."""
    for name, value in emulator.child_environment().items():
        monkeypatch.setenv(name, value)
    with small_disk(tmp_path / "disk", 2) as disk, new_stream(emulator) as stream:
        port = free_port()
        server = local_server.Server("server-1", disk, port, stream)
        server.keep_alive()
        flood = Flood(port, rate=1000)
        try:
            until(lambda: len(flood.confirmed) > 500 and server.agent_state.exists(), SECONDS)
            with filled(disk):
                until(lambda: len(flood.refused) > 10, SECONDS)
                until(lambda: flood.confirmed <= events(shipped(emulator, stream)), SECONDS)
                # What it could not save it ships again: under the same names.
                server.agent.process.send_signal(signal.SIGKILL)
                server.agent.process.wait()
            before = len(flood.confirmed)
            until(lambda: len(flood.confirmed) > before + 500, SECONDS)
        finally:
            flood.stop()

        def has_arrived() -> bool:
            server.keep_alive()  # as the controller does: the agent is started after a pause
            return flood.confirmed <= events(shipped(emulator, stream))

        until(has_arrived, SECONDS)
        server.end()
        found = shipped(emulator, stream)
        assert events(found) == flood.confirmed
        assert len({record["beacon_id"] for record in found}) == len(flood.confirmed)
        said = (disk / "server.out").read_text()
        assert "The access log can be written again" in said


def events(records: list[dict]) -> set[str]:
    return {record["event"] for record in records}


@contextlib.contextmanager
def group(cloud, prefix: str, stream: str):
    """An Auto Scaling group of the workshop; yields a function that starts it."""
    scaling, ssm = cloud.client("autoscaling"), cloud.client("ssm")
    name = f"{prefix}-fleet"
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=1,
        MaxSize=1,
        DesiredCapacity=1,
        AvailabilityZones=["us-east-1a"],
    )
    ssm.put_parameter(Name=f"/{prefix}/beacon-url", Value="pending", Type="String")
    tags = {"workshop": "realtime-web-analytics", "clicks-stream": stream}

    def begin() -> None:
        scaling.create_or_update_tags(
            Tags=[
                {"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": k, "Value": v}
                for k, v in tags.items()
            ]
        )

    try:
        yield begin
    finally:
        scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        ssm.delete_parameter(Name=f"/{prefix}/beacon-url")


def url(cloud, prefix: str) -> str:
    answer = cloud.client("ssm").get_parameter(Name=f"/{prefix}/beacon-url")
    return answer["Parameter"]["Value"]


def test_the_fleet_on_a_full_disk_goes_on_and_grows_afterwards(emulator, tmp_path):
    log = tmp_path / "fleet.log"
    with small_disk(tmp_path / "disk", 2) as disk, new_stream(emulator) as stream:
        environment = emulator.child_environment() | {"WORKSHOP_HOME": str(disk)}
        fleet = child_process.start(["-m", "helpers.local.fleet"], log=log, environment=environment)
        try:
            with (
                group(emulator, "early", stream) as begin,
                group(emulator, "late", stream) as begin_late,
            ):
                begin()
                until(lambda: url(emulator, "early") != "pending", SECONDS)
                client = Client(int(re.search(r":(\d+)/", url(emulator, "early"))[1]))
                assert client.beacon("before") == 200
                with filled(disk):
                    until(lambda: client.beacon("full") == 503, SECONDS)
                    begin_late()
                    until(lambda: "Trying again: The disk is full" in log.read_text(), SECONDS)
                    assert fleet.poll() is None
                until(lambda: url(emulator, "late") != "pending", SECONDS)
                until(lambda: client.beacon("after") == 200, SECONDS)
        finally:
            child_process.end(fleet, 60)
        assert {"before", "after"} <= events(shipped(emulator, stream))


@pytest.mark.parametrize("full", ["the records", "the position"])
def test_a_full_disk_stops_the_pump_and_loses_and_repeats_nothing(emulator, tmp_path, full):
    kinesis, moved = emulator.client("kinesis"), tmp_path / "in"
    positions = tmp_path / "positions.json"
    with small_disk(tmp_path / "disk", 1) as disk, new_stream(emulator) as stream:
        if full == "the records":
            moved = disk / "in"
        else:
            positions = disk / "positions.json"
        moved.mkdir()

        def send(numbers: range) -> None:
            records = [{"PartitionKey": str(n), "Data": json.dumps(n)} for n in numbers]
            kinesis.put_records(StreamName=stream, Records=records)

        pump = PumpIn(kinesis, stream, moved, positions, {"ShardIteratorType": "TRIM_HORIZON"})
        send(range(100))
        assert pump.step() == 100
        with filled(disk):
            send(range(100, 300))
            for _ in range(2):
                with pytest.raises((OSError, WorkshopError)):
                    pump.step()
        send(range(300, 400))
        pump.step()
        found = [line for file in moved.glob("*.json") for line in file.read_text().splitlines()]
        assert sorted(map(int, found)) == list(range(400))


def test_the_flink_job_and_its_pumps_on_a_full_disk(emulator, tmp_path):
    """The pumps' files, the checkpoints, the results and the logs, all on one disk of 200 MB.

    The machine's digits, hours and encoding are not ours: what is exact here depends on none.
    """
    clicks = records(6000, int(time.time() * 1000))
    parts = [clicks[:2000], clicks[2000:4000], clicks[4000:]]
    rows, firsts = [], {}
    with small_disk(tmp_path / "disk", 200) as disk:
        target = Target(emulator, disk, "disk", shards=2)
        target.upload("code/a.zip")
        target.create("code/a.zip")
        target.run_controller(EGYPTIAN)
        try:
            target.start()
            put(target, parts[0], firsts)
            settle(target, rows, without("avg_pg_ld", expected(parts[0])))
            logs = disk / "logs"
            with filled(disk):
                put(target, parts[1], firsts)
                # The logs are on that disk too: a process with a free byte in its log reports it.
                target.wait_for(
                    lambda: any(b"No space left" in log.read_bytes() for log in logs.iterdir()),
                    "no log reports the full disk",
                )
            put(target, parts[2], firsts)
            settle(target, rows, without("avg_pg_ld", expected(clicks)))
        finally:
            target.end_controller()
            target.delete()
