"""Sends single beacons, without the generator."""

import json
import time
import urllib.error
import urllib.request

from assets.agent.user_agent import client_of
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.deployment.fleet import beacon_url
from helpers.generator.journal import text
from helpers.generator.run import journal_folder

AGENT = "realtime-web-analytics-workshop"


def send_beacon(cloud: Cloud, event: str, page: str, clientid: str, **headers: str | int) -> None:
    """Send one beacon to the fleet, as a browser does; print it, and add it to the journal.

    Args:
        cloud: its fleet receives the beacon.
        event: e.g. `click`.
        page: e.g. `/cart`.
        clientid: the visitor.
        headers: further headers, e.g. `custom_metric_name="page_load_time"`.

    Raises:
        WorkshopError: there is no fleet, it does not respond, or a header can't be sent.

    Example:
        `send_beacon(cloud, event="click", page="/cart", clientid="me")`
    """
    url = beacon_url(cloud)
    beacon = {"event": event, "page": page, "clientid": clientid, **headers}
    sendable = {name: _sendable(name, str(value)) for name, value in beacon.items()}
    request = urllib.request.Request(url, headers={"User-Agent": AGENT, **sendable})
    sent_at = int(time.time() * 1000)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError as error:
        raise WorkshopError(
            f"{url} does not respond: {error}.", "Run the deploy cells above again, then this one."
        ) from None
    # As in its click record: urllib writes each character as one byte.
    fields = {
        name.lower(): text(value.strip(" \t").encode("latin-1")) for name, value in sendable.items()
    }
    renamed = {"agent": fields.pop("user-agent", AGENT), "referrer": fields.pop("referer", None)}
    client = client_of(renamed["agent"], fields.get("automation"))
    expect = "bot" if client.bot else "accepted"
    note(cloud, fields | renamed | {"sent_at": sent_at, "status": status, "expect": expect})
    headers_text = "\n".join(f"    {name}: {value}" for name, value in beacon.items())
    print(f"GET {url}\n{headers_text}\n→ {status}")


def _sendable(name: str, value: str) -> str:
    """Return a header's value for urllib: one character for each byte of its UTF-8."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise WorkshopError(
            f"The header {name!r} can't be sent: {value!r} contains a control character.",
            "Leave out line breaks and other control characters: HTTP does not allow them here.",
        )
    return value.encode().decode("latin-1")


def note(cloud: Cloud, facts: dict) -> None:
    """Add a beacon that was sent without the generator to the journal.

    Args:
        cloud: its fleet received the beacon.
        facts: the journal's fields (see `Traffic.journal`).
    """
    path = journal_folder(cloud.identity) / "by-hand.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as journal:
        journal.write(json.dumps({"kind": "beacon", "expect": "accepted", **facts}) + "\n")
