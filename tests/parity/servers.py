"""A real Apache httpd and our beacon server, each with a log of its own."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from helpers.core.paths import REPOSITORY
from helpers.local.ports import answers, free_port
from tests.catcher import until
from tests.running_server import COMMAND

APACHE = Path("/usr/sbin/apache2")
SITE = REPOSITORY / "assets" / "site"
MODULES = "".join(
    f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
    for name in (
        *("mpm_event", "authz_core", "dir", "headers"),
        *("mime", "remoteip", "reqtimeout", "rewrite"),
    )
)
TEMPORARY = Path(tempfile.gettempdir())
TIMEOUT_SECONDS = 1
MAIN_CONFIGURATION = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
Listen {listen}
# By default Linux does not pass a silent connection to Apache, which then can't log its 408.
AcceptFilter http none
{user}
{modules}
TypesConfig /dev/null
Define BEACON_PORT {port}
Define BEACON_LOG {folder}/access.log
Define BEACON_SITE {folder}/site
Define BEACON_TIMEOUT {timeout}
{proxies}
Include {fragment}
"""


class Running:
    """A server process, its port and its log."""

    def __init__(self, command, log: Path, port: int, address: str = "127.0.0.1"):
        self.log, self.address = log, (address, port)
        host = f"[{address}]" if ":" in address else address
        output = (log.parent / "output").open("w")
        self.process = subprocess.Popen(command, stdout=output, stderr=output)
        output.close()
        deadline = time.monotonic() + 20
        while not answers(f"http://{host}:{port}/health"):
            said = (log.parent / "output").read_text()
            assert self.process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.05)

    def lines(self) -> list[bytes]:
        """The log's lines without those of our own health checks."""
        return [
            line
            for line in self.log.read_bytes().splitlines()
            if b'"GET /health HTTP/1.1" 200 2 "-" "Python-urllib' not in line
        ]

    def new_line(self, seen: int) -> bytes:
        """The only line after the first `seen`: Apache logs a request after its answer."""
        until(lambda: len(self.lines()) > seen)
        (line,) = self.lines()[seen:]
        return line

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        finally:
            self.process.kill()


def start_apache(
    folder: Path,
    *,
    trust_proxy: bool = False,
    host: str = "127.0.0.1",
    fragment: Path = REPOSITORY / "assets" / "fleet" / "httpd.conf",
) -> Running:
    """Start httpd with our fragment on a free port, with its files in `folder`."""
    assert APACHE.exists(), (
        "Apache httpd is not installed, which these tests need: install Debian's package apache2 "
        "(`apt-get install apache2`)."
    )
    # Apache serves as another user, who may not be allowed to read this repository, and who needs
    # access to the folders above its log.
    shutil.copytree(SITE, folder / "site")
    for parent in [folder, *folder.parents]:
        if parent.is_relative_to(TEMPORARY) and parent != TEMPORARY:
            parent.chmod(parent.stat().st_mode | 0o055)
    port = free_port()
    configuration = folder / "main.conf"
    configuration.write_text(
        MAIN_CONFIGURATION.format(
            folder=folder,
            port=port,
            listen=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            # Started as root, httpd serves as another user; otherwise as the user who started it.
            user="User daemon\nGroup daemon" if os.getuid() == 0 else "",
            modules=MODULES,
            timeout=TIMEOUT_SECONDS,
            proxies='Define BEACON_PROXIES "127.0.0.1"' if trust_proxy else "",
            fragment=fragment,
        )
    )
    command = [str(APACHE), "-f", str(configuration), "-DFOREGROUND"]
    return Running(command, folder / "access.log", port, host)


def start_ours(folder: Path, *, trust_proxy: bool = False, host: str = "127.0.0.1") -> Running:
    """Start our beacon server on a free port, with its log in `folder`."""
    folder.mkdir(parents=True)
    port = free_port()
    command = [*COMMAND, "--port", str(port), "--log", str(folder / "access.log"), "--host", host]
    command += ["--timeout", str(TIMEOUT_SECONDS)]
    if trust_proxy:
        command += ["--trust-proxy-header", "X-Forwarded-For"]
    return Running(command, folder / "access.log", port, host)
