"""The demo shop, shown in a frame: `show_site(cloud)`.

Who looks at a notebook may sit elsewhere than the kernel. Which way leads to the shop is therefore
not decided here but in the frame, by the browser: it asks the shop's own address for /health, then
the Jupyter server's proxy (jupyter-server-proxy, `<JupyterLab>/proxy/<port>/`), and goes where it
is answered. A page on https may load nothing from a load balancer on http; then a link is left.
"""

import html
import json
from pathlib import Path
from urllib.parse import urlsplit

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError

from .fleet import beacon_url

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_FRAME = Path(__file__).with_name("shop_frame.html")


def show_site(cloud: Cloud, height: int = 640) -> "SiteFrame":
    """Show the demo shop, which the beacon servers serve and which sends them its beacons.

    Args:
        cloud: where the beacon servers are.
        height: of the frame, in CSS pixels, 200 to 4000.

    Returns:
        The frame; as the last line of a cell it is shown.

    Raises:
        WorkshopError: there is no fleet, nobody answers, or the height is none.

    Example:
        `show_site(cloud)`
    """
    return SiteFrame(site_url(cloud), height)


def site_url(cloud: Cloud) -> str:
    """Return the address of the demo shop, once somebody listens there.

    Args:
        cloud: where the beacon servers are.

    Raises:
        WorkshopError: there is no fleet, or nobody listened within a minute.

    Example:
        `site_url(cloud)` -> `"http://127.0.0.1:8080/"`
    """
    return beacon_url(cloud).removesuffix("beacon")


class SiteFrame:
    """A frame with the shop in it, and a link for where no frame can be.

    Args:
        url: the shop's address, with its last slash.
        height: of the frame, in CSS pixels, 200 to 4000.

    Raises:
        WorkshopError: the height is none.

    Example:
        `SiteFrame("http://127.0.0.1:8080/", height=500)`
    """

    def __init__(self, url: str, height: int = 640) -> None:
        if not isinstance(height, int) or isinstance(height, bool) or not 200 <= height <= 4000:
            raise WorkshopError(
                f"A frame can't have a height of {height!r} pixels.",
                "Call `show_site(cloud, height=640)` with a whole number from 200 to 4000.",
            )
        self.url, self.height = url, height

    def _repr_html_(self) -> str:
        at = urlsplit(self.url)
        facts = {
            "site": self.url,
            # Behind the Jupyter server's proxy is the machine on which the kernel runs, no other.
            "proxy": f"proxy/{at.port}/" if at.hostname in _LOOPBACK else None,
        }
        # Inside a <script> only this sequence could end it.
        document = _FRAME.read_text(encoding="utf-8").replace(
            "FACTS", json.dumps(facts).replace("</", "<\\/")
        )
        url = html.escape(self.url)
        return (
            '<figure class="mathjax_ignore" style="margin:0">'
            f'<iframe title="The demo shop" srcdoc="{html.escape(document)}" loading="eager" '
            f'referrerpolicy="no-referrer" style="width:100%;height:{self.height}px;'
            'border:1px solid #8c959f;border-radius:8px;background:#fff"></iframe>'
            f'<figcaption>The demo shop, as the beacon servers serve it. <a href="{url}" '
            'target="_blank" rel="noopener noreferrer">Open it in a tab of its own</a></figcaption>'
            "</figure>"
        )

    def __repr__(self) -> str:
        return f"The demo shop: {self.url}"
