"""One beacon, sent by hand."""

import json
import time
import urllib.error
import urllib.request

from .cloud import Cloud
from .errors import WorkshopError
from .fleet import beacon_url
from .generator.journal import text
from .generator.process import target_name
from .generator.run import journal_folder

AGENT = "realtime-web-analytics-workshop"


def send_beacon(cloud: Cloud, event: str, page: str, clientid: str, **headers: str) -> None:
    """Send one beacon to the fleet, as a browser would; print it, and note it in the journal.

    Args:
        cloud: where the fleet is.
        event: what happened, e.g. `click`.
        page: where, e.g. `/cart`.
        clientid: to whom.
        headers: further headers, e.g. `custom_metric_name="page_load_time"`.

    Raises:
        WorkshopError: there is no fleet, or it does not answer.

    Example:
        `send_beacon(cloud, event="click", page="/cart", clientid="me")`
    """
    url = beacon_url(cloud)
    headers = {"event": event, "page": page, "clientid": clientid, **headers}
    request = urllib.request.Request(url, headers={"User-Agent": AGENT, **headers})
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
    # As its click record will show it: urllib sends a value as Latin-1, and so does the log.
    said = {name.lower(): text(value.strip().encode("latin-1")) for name, value in headers.items()}
    facts = {"agent": said.pop("user-agent", AGENT), "referrer": said.pop("referer", None)}
    note(cloud, said | facts | {"sent_at": sent_at, "status": status})
    shown = "\n".join(f"    {name}: {value}" for name, value in headers.items())
    print(f"GET {url}\n{shown}\n→ {status}")


def note(cloud: Cloud, facts: dict) -> None:
    """Write a beacon that was sent by hand into the journal.

    Args:
        cloud: where it went.
        facts: the journal's fields (see `Traffic.journal`).
    """
    path = journal_folder(target_name(cloud)) / "by-hand.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as journal:
        journal.write(json.dumps({"kind": "beacon", "expect": "accepted", **facts}) + "\n")
