"""One beacon, sent by hand."""

import json
import time
import urllib.error
import urllib.request

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.deployment.fleet import beacon_url
from helpers.generator.journal import text
from helpers.generator.run import journal_folder

from .generator_process import target_name

AGENT = "realtime-web-analytics-workshop"


def send_beacon(cloud: Cloud, event: str, page: str, clientid: str, **headers: str | int) -> None:
    """Send one beacon to the fleet, as a browser would; print it, and note it in the journal.

    Args:
        cloud: where the fleet is.
        event: what happened, e.g. `click`.
        page: where, e.g. `/cart`.
        clientid: to whom.
        headers: further headers, e.g. `custom_metric_name="page_load_time"`.

    Raises:
        WorkshopError: there is no fleet, it does not answer, or a header can't be sent.

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
            f"{url} does not answer: {error}.", "Run the deploy cells above again, then this one."
        ) from None
    # As its click record will show it: urllib writes each character as one byte.
    said = {
        name.lower(): text(value.strip(" \t").encode("latin-1")) for name, value in sendable.items()
    }
    facts = {"agent": said.pop("user-agent", AGENT), "referrer": said.pop("referer", None)}
    note(cloud, said | facts | {"sent_at": sent_at, "status": status})
    shown = "\n".join(f"    {name}: {value}" for name, value in beacon.items())
    print(f"GET {url}\n{shown}\n→ {status}")


def _sendable(name: str, value: str) -> str:
    """Return a header's value as urllib takes it: UTF-8 as browsers send it, byte for byte."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise WorkshopError(
            f"The header {name!r} can't be sent: {value!r} holds a control character.",
            "Leave out line breaks and the like: HTTP ends a header there.",
        )
    return value.encode().decode("latin-1")


def note(cloud: Cloud, facts: dict) -> None:
    """Write a beacon that was sent by hand into the journal.

    Args:
        cloud: where it went.
        facts: the journal's fields (see `Traffic.journal`).
    """
    path = journal_folder(target_name(cloud)) / "by-hand.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as journal:
        journal.write(json.dumps({"kind": "beacon", "expect": "accepted", **facts}) + "\n")
