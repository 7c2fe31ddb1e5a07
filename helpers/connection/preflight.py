"""`preflight(cloud)`: reports what would stop the workshop, before anything is created."""

import concurrent.futures
from collections.abc import Callable

from helpers.core.cloud import Cloud
from helpers.core.waiting import waiting
from helpers.planning.monthly_cost import counting_hour
from helpers.planning.prices import hourly

from .preflight_class import AT_ONCE, check_learners, class_checks, closing_line
from .preflight_download import connector
from .preflight_identity import identity
from .preflight_permissions import permissions
from .preflight_probe import Probe
from .preflight_quotas import buckets, functions, kpus, networks, servers, shards, zones
from .preflight_report import Line, Report, State, unknown
from .preflight_services import services

# Name of the line -> its check, in the order shown. Each asks AWS.
CHECKS: dict[str, Callable[[Probe], Line]] = {
    "region": services,
    "permissions": permissions,
    "servers": servers,
    "zones": zones,
    "networks": networks,
    "shards": shards,
    "KPUs": kpus,
    "functions": functions,
    "buckets": buckets,
}
SECONDS = 20  # for all checks; those of an account that answers take two or three


def preflight(cloud: Cloud, learners: int = 1) -> Report:
    """Check all that the workshop needs, before anything is created; it costs nothing.

    It asks AWS about the credentials, this machine's clock, the region and its services, your
    permissions (IAM simulates each action of `policy/`), the quotas, and the zones that offer the
    servers' instance type; and Maven Central about Flink's connector. `connect("aws")` calls it. A
    check that fails, or that AWS does not allow, prevents no other.

    Args:
        cloud: the target.
        learners: of a class in this account and region, each with a prefix of their own; with more
            than one, the quotas that they share are checked, too.

    Returns:
        A report with one line for each check: `✓`, `!` (a warning), `✗` (it stops the workshop) or
        `?` (it could not be checked), and what to do. Each line has `name`, `state`, `text` and
        `remedy`.

    Raises:
        WorkshopError: the number of learners is none from 1 to 1,000.

    Example:
        `preflight(cloud)`
    """
    check_learners(learners)
    probe = Probe(cloud)
    with waiting("Checking the account"):
        probe.create_clients()
        arn, lines = identity(probe)
        checks: dict[str, Callable[[Probe], Line]] = {"connector": connector}
        if arn:
            checks = CHECKS | checks
        else:
            lines += [_not_asked(name) for name in CHECKS]
        lines += _run(Probe(cloud, arn, probe._clients), checks)
        if learners > 1:
            lines += _of_a_class(Probe(cloud, arn, probe._clients), learners)
    return Report((*lines, _price()))


def class_quotas(cloud: Cloud, learners: int) -> Report:
    """Check only the quotas that the learners of a class share; it costs nothing.

    Args:
        cloud: the target.
        learners: in this account and region.

    Returns:
        A report, as `preflight` returns it.

    Raises:
        WorkshopError: the number of learners is none from 1 to 1,000.

    Example:
        `class_quotas(cloud, 30)`
    """
    check_learners(learners)
    probe = Probe(cloud)
    with waiting("Checking the account"):
        probe.create_clients()
        arn, lines = identity(probe)
        return Report((*lines, *_of_a_class(Probe(cloud, arn, probe._clients), learners)))


def _of_a_class(probe: Probe, learners: int) -> list[Line]:
    checks = class_checks(learners)
    found = _run(probe, checks, AT_ONCE) if probe.arn else [_not_asked(name) for name in checks]
    return [*found, closing_line()]


def _run(
    probe: Probe, checks: dict[str, Callable[[Probe], Line]], at_once: int | None = None
) -> list[Line]:
    """Run the checks at the same time; return their lines in the checks' order."""
    pool = concurrent.futures.ThreadPoolExecutor(at_once or len(checks))
    running = {name: pool.submit(check, probe) for name, check in checks.items()}
    concurrent.futures.wait(running.values(), timeout=SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)  # the clients end their calls soon
    return [_line(name, future) for name, future in running.items()]


def _line(name: str, future: "concurrent.futures.Future[Line]") -> Line:
    if not future.done():
        text = f"could not be checked: no answer within {SECONDS} s."
        return Line(name, State.UNKNOWN, text, "Check the network, then run this cell again.")
    try:
        return future.result()
    except Exception as error:  # an answer of which a part is missing must not hide the others
        return unknown(name, error)


def _not_asked(name: str) -> Line:
    text = "could not be checked: AWS did not accept the credentials."
    return Line(name, State.UNKNOWN, text, "See the line of the credentials.")


def _price() -> Line:
    text = (
        f"On AWS, all modules cost about ${hourly():.2f} an hour, and ${counting_hour():.2f} more "
        "while beacons are counted (prices of us-east-1); this check costs nothing."
    )
    return Line("price", State.OK, text)
