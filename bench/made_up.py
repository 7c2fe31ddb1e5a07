"""Log lines and click records of the demo shop's visitors, many of them fast."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from assets.agent.access_log import log_time
from helpers.generator.beacon import request_bytes, request_start
from helpers.generator.settings import DEFAULTS
from helpers.generator.shop import Shop

VARIANTS = 5000  # different beacons; what differs in each line is added to one of them


def _shop(seed: int) -> Iterator[dict[str, str | None]]:
    shop = Shop(random.Random(seed))
    shop.set_mix(DEFAULTS["mix"])
    while True:
        beacon = shop.beacon(visitors=DEFAULTS["visitors"], bots=0.05)
        extra = dict(beacon.extra)
        texts = {
            "event": beacon.event,
            "clientid": beacon.clientid,
            "page": beacon.page,
            "referrer": beacon.referrer,
            "agent": beacon.agent,
            "name": extra.get(b"custom_metric_name"),
            "int": extra.get(b"custom_metric_int_value"),
        }
        yield {key: value and value.decode() for key, value in texts.items()}


def sizes(beacons: int = VARIANTS) -> dict[str, int]:
    """Return `record_bytes` and `request_bytes`: the mean of some beacons, in the stream and sent.

    Args:
        beacons: how many.
    """
    shop, start = Shop(random.Random(1)), request_start("rwa-123456789.us-east-1.elb.amazonaws.com")
    shop.set_mix(DEFAULTS["mix"])
    sent = [
        len(request_bytes(shop.beacon(visitors=DEFAULTS["visitors"], bots=0.05), start))
        for _ in range(beacons)
    ]
    stored = len(next(click_files(beacons, beacons, 2000, time.time())))
    return {
        "record_bytes": round(stored / beacons) - 1,  # without the end of its line
        "request_bytes": round(sum(sent) / beacons),
    }


def write_log(path: Path, lines: int, seed: int = 1) -> None:
    """Write an access log as the beacon servers do, of the last minutes, 2,000 lines a second.

    Args:
        path: the file.
        lines: how many.
        seed: the same one writes the same visitors.
    """
    shop, begin = _shop(seed), time.time() - lines / 2000
    variants = [next(shop) for _ in range(VARIANTS)]
    tails = [
        '"GET /beacon HTTP/1.1" 200 2 "{referrer}" "{agent}" "{event}" "{clientid}" "{page}" '
        '"{name}" "{int}" "-" "-"'.format(**{k: "-" if v is None else v for k, v in one.items()})
        for one in variants
    ]
    with path.open("w", encoding="utf-8") as file:
        for number in range(lines):
            at = begin + number / 2000
            if number % 2000 == 0:
                clock = log_time(at)
            tail = tails[number % VARIANTS]
            file.write(f"127.0.0.{number % 250 + 1} - - [{clock}] {tail} {at * 1000:.0f}\n")


def click_files(records: int, per_file: int, rate: float, end: float) -> Iterator[bytes]:
    """Yield files of click records, JSON lines, as the pump writes what it reads from the stream.

    Args:
        records: how many in all.
        per_file: how many in each file.
        rate: how many are of the same second.
        end: when the last one was received, epoch seconds.
    """
    shop = _shop(2)
    variants = [next(shop) for _ in range(VARIANTS)]
    tails = [
        json.dumps(
            {
                "request": "GET /beacon HTTP/1.1",
                "response": 200,
                "bytes": 2,
                "referrer": one["referrer"],
                "agent": one["agent"],
                "event": one["event"],
                "clientid": one["clientid"],
                "page": one["page"],
                "custom_metric_name": one["name"],
                "custom_metric_int_value": one["int"] and int(one["int"]),
                "custom_metric_float_value": None,
                "custom_metric_string_value": None,
            },
            separators=(",", ":"),
        )[1:-1]
        for one in variants
    ]
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
