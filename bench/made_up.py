"""Creates many log lines and click records of the demo shop's visitors, fast."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from assets.agent.access_log import click_record, log_time
from assets.agent.user_agent import described
from helpers.generator.beacon import Beacon, request_bytes, request_start
from helpers.generator.delayed_delivery import log_line
from helpers.generator.settings import DEFAULTS
from helpers.generator.shop import Shop

VARIANTS = 5000  # different beacons; each line has one of them, with its own time and address


def _beacons(seed: int, count: int = VARIANTS) -> list[Beacon]:
    shop = Shop(random.Random(seed))
    shop.set_mix(DEFAULTS["mix"])
    return [shop.beacon(visitors=DEFAULTS["visitors"], bots=0.05) for _ in range(count)]


def sizes(beacons: int = VARIANTS) -> dict[str, int]:
    """Return `record_bytes` and `request_bytes`: mean sizes of a beacon in the stream and as sent.

    Args:
        beacons: how many to average.
    """
    start = request_start("rwa-123456789.us-east-1.elb.amazonaws.com")
    sent = sum(len(request_bytes(beacon, start)) for beacon in _beacons(1, beacons))
    stored = len(next(click_files(beacons, beacons, 2000, time.time())))
    return {
        "record_bytes": round(stored / beacons) - 1,  # without the newline
        "request_bytes": round(sent / beacons),
    }


def write_log(path: Path, lines: int, seed: int = 1) -> None:
    """Write an access log of the last minutes, like a beacon server with 2,000 beacons per second.

    Args:
        path: the file.
        lines: number of lines.
        seed: of the visitors.
    """
    begin = time.time() - lines / 2000
    # The part of a line between the two times.
    tails = [
        log_line(beacon, 0, "").decode().partition("] ")[2].rpartition(" ")[0]
        for beacon in _beacons(seed)
    ]
    with path.open("w", encoding="utf-8") as file:
        for number in range(lines):
            at = begin + number / 2000
            if number % 2000 == 0:
                clock = log_time(at)
            tail = tails[number % VARIANTS]
            file.write(f"127.0.0.{number % 250 + 1} - - [{clock}] {tail} {at * 1000:.0f}\n")


def click_files(records: int, per_file: int, rate: float, end: float) -> Iterator[bytes]:
    """Yield files of click records (JSON lines) like those of the pump.

    Args:
        records: total number.
        per_file: number in each file.
        rate: records per second of event time.
        end: when the last one was received, epoch seconds.
    """
    tails = []
    for beacon in _beacons(2):
        fields = described(click_record(log_line(beacon, end, "::1"), "", int(end * 1000)))
        # The fields from `request` on, without the last time.
        names = list(fields)[list(fields).index("request") :]
        body = {name: fields[name] for name in names if name != "received_at"}
        tails.append(json.dumps(body, separators=(",", ":"))[1:-1])
    begin, lines, second = end - records / rate, [], None
    for number in range(records):
        at = begin + number / rate
        if int(at) != second:
            second = int(at)
            clock = log_time(at)
        ms = int(at * 1000)
        lines.append(
            f'{{"beacon_id":"rwa-fleet-1:77:{number * 300}:{number & 0xFFFFFFFF:08x}",'
            f'"host":"127.0.0.1","ident":null,"authuser":null,"datetime":"{clock}",'
            f'"requested_at":{second}000,'
            f'{tails[number % VARIANTS]},"received_at":{ms},"shipped_at":{ms + 150}}}\n'
        )
        if len(lines) == per_file:
            yield "".join(lines).encode()
            lines = []
    if lines:
        yield "".join(lines).encode()
