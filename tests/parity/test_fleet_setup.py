"""The set-up of an instance as a beacon server: setup.sh, the units, and Apache as configured."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.core.paths import REPOSITORY
from helpers.local.emulator.settings import REGION
from tests.parity import servers

FLEET = REPOSITORY / "assets" / "fleet"
SETUP = FLEET / "setup.sh"
UNITS = ["beacon-agent.service", "beacon-logrotate.service", "beacon-logrotate.timer"]
# Replaces the programs of Amazon Linux that would change this machine: each writes its name.
STUB = """#!/bin/bash
echo "$(basename "$0") $*" >> "$CALLS"
{then}
"""
HEALTH_CHECK = (
    '10.0.0.9 - - [25/Nov/2026:00:00:00 +0000] "GET /health HTTP/1.1" 200 2 "-" '
    '"ELB-HealthChecker/2.0" "-" "-" "-" "-" "-" "-" "-" "-" "-" "-" 1795564800000\n'
)


def need(tool: str) -> str:
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")
    return tool


def place(folder: Path) -> None:
    done = sourced(folder, f"place_files rwa-clicks {REGION} 127.0.0.1 short")
    assert (done.returncode, done.stderr) == (0, "")


def curl(apache, path: str, *headers: str) -> None:
    options = [option for header in headers for option in ("-H", header)]
    command = [need("curl"), "--silent", "--max-time", "5", *options]
    url = f"http://127.0.0.1:{apache.address[1]}{path}"
    subprocess.run([*command, url], check=True, capture_output=True)


def sourced(root: Path, commands: str, **environment: str) -> subprocess.CompletedProcess:
    """Run functions of the script."""
    return subprocess.run(
        ["bash", "-c", f'source "{SETUP}"; {commands}'],
        env={**os.environ, "ROOT": str(root), **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def root(tmp_path) -> Path:
    """The files of an instance that the script reads."""
    (tmp_path / "var/lib/cloud/data").mkdir(parents=True)
    (tmp_path / "var/lib/cloud/data/instance-id").write_text("i-0abc\n")
    return tmp_path


@pytest.fixture
def placed(root) -> Path:
    """The same, with the files that the script places."""
    place(root)
    return root


def test_shellcheck_finds_nothing():
    done = subprocess.run([need("shellcheck"), SETUP], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_files_are_where_the_units_look_for_them_and_placing_can_be_repeated(placed):
    assert (placed / "etc/beacon/agent.env").read_text().splitlines() == [
        f"AWS_DEFAULT_REGION={REGION}",
        "CLICKS_STREAM=rwa-clicks",
        "SERVER_NAME=i-0abc",
        "ADDRESSES=short",
    ]
    for unit in UNITS:
        there = placed / "etc/systemd/system" / unit
        assert there.read_text() == (FLEET / unit).read_text()
        assert there.stat().st_mode & 0o777 == 0o644
    assert (placed / "var/log/beacon").stat().st_mode & 0o777 == 0o750
    agent = (FLEET / "beacon-agent.service").read_text()
    assert "EnvironmentFile=/etc/beacon/agent.env" in agent
    used = set(re.findall(r"\$\{(\w+)\}", agent))
    named = {line.split("=")[0] for line in (placed / "etc/beacon/agent.env").open()}
    assert used <= named
    place(placed)


@pytest.fixture
def bootable(placed) -> Path:
    """A root with systemd's own units, and with the programs that ours start."""
    need("systemd-analyze")
    shutil.copytree("/lib/systemd/system", placed / "usr/lib/systemd/system", symlinks=True)
    units = placed / "etc/systemd/system"
    (units / "httpd.service").write_text("[Service]\nExecStart=/usr/sbin/httpd\n")
    for program in ("opt/beacon/venv/bin/python", "usr/sbin/logrotate", "usr/sbin/httpd"):
        path = placed / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    return placed


def analyze(root: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = ["systemd-analyze", f"--root={root}", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_systemd_understands_every_line_of_the_units(bootable):
    done = analyze(bootable, "verify", *UNITS)
    assert (done.returncode, done.stderr) == (0, "")
    agent = bootable / "etc/systemd/system/beacon-agent.service"
    agent.write_text(agent.read_text().replace("ProtectClock", "ProtectClok"))
    assert "ProtectClok" in analyze(bootable, "verify", *UNITS).stderr, (
        "systemd-analyze reports lines that it ignores"
    )


def test_the_agent_is_hardened(bootable):
    done = analyze(bootable, "security", "--offline=true", "--threshold=20", "beacon-agent.service")
    # 12 of 100, where 0 is safest; a unit without hardening has 96. Most of what is left is that
    # the agent talks to the network, which is its task.
    assert done.returncode == 0, done.stdout


def test_the_agent_outlives_httpd_by_the_time_it_needs_to_ship_the_rest():
    unit = (FLEET / "beacon-agent.service").read_text()
    assert "Before=httpd.service" in unit
    drain = int(re.search(r"--drain-seconds (\d+)", unit)[1])
    assert drain < int(re.search(r"TimeoutStopSec=(\d+)", unit)[1])


def test_the_agents_packages_are_those_of_the_lock():
    own = (REPOSITORY / "assets/agent/requirements.txt").read_text()
    lock = (REPOSITORY / "requirements.lock").read_text()
    package = re.compile(r"^([a-z0-9-]+)==.*\n(?:    --hash=.*\n)+", re.MULTILINE)
    locked = {found[1]: found[0] for found in package.finditer(lock)}
    wanted = {found[1]: found[0] for found in package.finditer(own)}
    assert {"boto3", "crawlerdetect", "ua-parser-rs"} <= set(wanted) and len(wanted) == 11
    assert {name: locked[name] for name in wanted} == wanted


@pytest.fixture
def apache(placed, tmp_path_factory):
    """A real Apache with the configuration that the script has placed."""
    fragment = placed / "etc/httpd/conf.d/beacon.conf"
    running = servers.start_apache(tmp_path_factory.mktemp("apache"), fragment=fragment)
    yield running
    running.end()


def test_apache_takes_a_beacon_and_logs_the_visitor_behind_the_balancer(apache):
    visitor = ["X-Forwarded-For: 203.0.113.9", "custom_metric_name: page_load_time"]
    curl(apache, "/beacon", *visitor, "event: click")
    line = apache.new_line(0)
    assert line.startswith(b"203.0.113.9 - - [")
    assert b'"GET /beacon HTTP/1.1" 200 2 ' in line
    assert b'"click" "-" "-" "-" "-" "-" "page_load_time" "-" "-" "-" ' in line


def test_it_counts_the_balancers_health_checks_in_a_real_log(apache):
    root = apache.log.parent / "root"
    (root / "var/log/beacon").mkdir(parents=True)
    (root / "var/log/beacon/access.log").symlink_to(apache.log)
    for path, enough in (("/nothing", False), ("/health", False), ("/health", True)):
        curl(apache, path, "User-Agent: ELB-HealthChecker/2.0")
        assert (sourced(root, "health_checks_passed").returncode == 0) is enough


@pytest.fixture
def server(root, monkeypatch):
    """Runs the whole script with stubs of programs that would change this machine."""
    base, stubs, calls = root / "opt/beacon", root / "stubs", root / "calls"
    shutil.copytree(FLEET, base / "fleet")
    shutil.copytree(REPOSITORY / "assets/agent", base / "agent")
    (base / "venv/bin").mkdir(parents=True)
    calls.touch()
    stubs.mkdir()

    def stub(name: str, then: str = "", folder: Path = stubs) -> None:
        (folder / name).write_text(STUB.format(then=then))
        (folder / name).chmod(0o755)

    for name in ("dnf", "python3.12", "id", "useradd", "chgrp", "httpd", "curl"):
        stub(name)
    stub("pip", folder=base / "venv/bin")
    log, state = root / "var/log/beacon/access.log", root / "var/lib/beacon/agent.json"
    state.parent.mkdir(parents=True)
    # The servers' start causes health checks, and an agent that ships them.
    stub(
        "systemctl",
        f"""printf '%s' '{HEALTH_CHECK * 2}' > {log}
        echo '{{"inode": 1, "files": {{"1": {{"name": 1, "offset": 340}}}}}}' > {state}""",
    )

    def run(**failing: str) -> tuple[int, list[str], list[str]]:
        for name, then in failing.items():
            stub(name, then)
        environment = {**os.environ, "ROOT": str(root), "CALLS": str(calls)}
        environment["PATH"] = f"{stubs}:{environment['PATH']}"
        command = ["bash", str(base / "fleet/setup.sh"), "rwa-clicks", REGION, "10.0.0.0/16"]
        command += ["short"]
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return done.returncode, done.stdout.splitlines(), calls.read_text().splitlines()

    return run


def test_it_succeeds_once_the_server_serves_and_ships(server):
    code, said, calls = server()
    assert (code, said) == (0, ["This server accepts beacons."])
    steps = " ".join(call.split()[0] for call in calls)
    assert steps == "dnf python3.12 pip id chgrp httpd systemctl systemctl systemctl curl"
    assert "--require-hashes" in calls[2]
    assert calls[-2].split()[1:3] == ["restart", "beacon-agent.service"]


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        ({"dnf": "exit 1"}, "setup.sh failed in line [0-9]+: dnf install"),
        ({"httpd": "echo 'Syntax error on line 1'; exit 1"}, "setup.sh failed in .*: httpd -t"),
        ({"systemctl": "[[ $1 != restart ]]"}, "setup.sh failed in .*: systemctl restart"),
    ],
)
def test_a_failure_ends_it_with_the_reason_in_the_last_line(server, failing, reason):
    code, said, calls = server(**failing)
    assert code != 0 and re.match(reason, said[-1]), said
    assert "curl" not in calls[-1]


def test_a_condition_that_times_out_is_named(root):
    done = sourced(root, "wait_for 1 'the stream takes what is shipped' false")
    assert done.returncode == 1
    assert done.stdout == "Not within 1 s: the stream takes what is shipped\n"
    state = root / "var/lib/beacon/agent.json"
    state.parent.mkdir(parents=True)
    # The agent that has read nothing, or whose first batch the stream refuses, saves no offset.
    for text, shipped in (('{"files": {"1": {"offset": 0}}}', False), ('{"offset": 12}', True)):
        state.write_text(text)
        assert (sourced(root, "stream_has_lines").returncode == 0) is shipped
