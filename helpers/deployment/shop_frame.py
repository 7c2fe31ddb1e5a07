"""Shows the demo shop in a frame: `show_site(cloud)`.

The browser may run on another machine than the kernel. So the browser finds the shop's address: it
requests /health from the shop itself, then from the Jupyter server's proxy (jupyter-server-proxy,
`<JupyterLab>/proxy/<port>/`), and loads the shop from the first that answers. A page on https can't
load a load balancer's page on http; then the frame has only a link.
"""

import html
import json
from pathlib import Path
from urllib.parse import urlsplit

from helpers.core.cloud import Cloud
from helpers.core.errors import check_number

from .fleet import beacon_url

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_FRAME = Path(__file__).with_name("shop_frame.html")


def show_site(cloud: Cloud, height: int = 640) -> "SiteFrame":
    """Show the demo shop, which the beacon servers serve and which sends beacons to them.

    Args:
        cloud: the target on which the beacon servers run.
        height: of the frame, in CSS pixels, 200 to 4000.

    Returns:
        The frame; Jupyter shows it if it is the last expression of a cell.

    Raises:
        NotDeployed: module 1-frontend is not deployed.
        WorkshopError: no server was reached, or the height is out of bounds.

    Example:
        `show_site(cloud)`
    """
    return SiteFrame(site_url(cloud), height)


def site_url(cloud: Cloud) -> str:
    """Return the URL of the demo shop, once a server accepts connections there.

    Args:
        cloud: the target on which the beacon servers run.

    Raises:
        NotDeployed: module 1-frontend is not deployed.
        WorkshopError: no server was reached within a minute.

    Example:
        `site_url(cloud)` -> `"http://127.0.0.1:8080/"`
    """
    return beacon_url(cloud).removesuffix("beacon")


class SiteFrame:
    """A frame that shows the shop, and a link in case the browser can't load it there.

    Args:
        url: the shop's URL, with its last slash.
        height: of the frame, in CSS pixels, 200 to 4000.

    Raises:
        WorkshopError: the height is out of bounds.

    Example:
        `SiteFrame("http://127.0.0.1:8080/", height=500)`
    """

    def __init__(self, url: str, height: int = 640) -> None:
        check_number("height", height, 200, 4000, whole=True)
        self.url, self.height = url, height

    def _repr_html_(self) -> str:
        at = urlsplit(self.url)
        facts = {
            "site": self.url,
            # The Jupyter server's proxy reaches only the machine on which the kernel runs.
            "proxy": f"proxy/{at.port}/" if at.hostname in _LOOPBACK else None,
        }
        # "</" is the only sequence that could end the <script>.
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
            'target="_blank" rel="noopener noreferrer">Open it in a new tab</a></figcaption>'
            "</figure>"
        )

    def __repr__(self) -> str:
        return f"The demo shop: {self.url}"
