"""An account that answers well until a test changes that, for the tests of `preflight`."""

import hashlib

import pytest

from helpers.connection import preflight as module
from helpers.connection import preflight_probe
from helpers.connection.flink_dependencies import CONNECTOR, REPOSITORY_VARIABLE
from helpers.connection.preflight import CHECKS
from helpers.connection.preflight_download import connector
from helpers.connection.preflight_probe import Probe
from helpers.connection.preflight_report import Line, Report, State
from helpers.core.cloud import Cloud
from tests.unit.connection.aws_stand_in import StandIn, caller, xml

ROLE = "arn:aws:iam::000000000000:role/service-role/Learner"
SESSION = "arn:aws:sts::000000000000:assumed-role/Learner/ann"
NAME = "{1}-{2}.jar".format(*CONNECTOR.split(":"))
JAR = b"not really a jar\n" * 1000
WELL, WARNED, FAILED, UNKNOWN = State.OK, State.WARNING, State.FAILURE, State.UNKNOWN


def simulated(form: dict, **decisions: dict) -> tuple:
    """Answer SimulatePrincipalPolicy: a result for each action on each resource."""
    assert form["PolicySourceArn"] == ROLE
    given = {"ActionNames": [], "ResourceArns": []}
    for key, value in form.items():
        if key.split(".")[0] in given:
            given[key.split(".")[0]].append(value)
    results = ""
    for action in given["ActionNames"]:
        for arn in given["ResourceArns"]:
            own = decisions.get(action, {})
            results += f"<member><EvalActionName>{action}</EvalActionName>"
            results += f"<EvalResourceName>{arn}</EvalResourceName>"
            results += f"<EvalDecision>{own.get('decision', 'allowed')}</EvalDecision>"
            results += own.get("more", "") + "</member>"
    done = "<IsTruncated>false</IsTruncated>"
    return xml("SimulatePrincipalPolicy", f"<EvaluationResults>{results}</EvaluationResults>{done}")


def roles(*arns: str) -> tuple:
    members = "".join(
        f"<member><RoleName>{arn.rsplit('/', 1)[1]}</RoleName><Arn>{arn}</Arn><Path>/</Path>"
        "<RoleId>A</RoleId><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
        for arn in arns
    )
    return xml("ListRoles", f"<Roles>{members}</Roles><IsTruncated>false</IsTruncated>")


def gives_up_after(seconds: int) -> preflight_probe.Config:
    """Return settings with which a call makes one attempt, and waits so long for an answer."""
    own = preflight_probe.Config(read_timeout=seconds, retries={"total_max_attempts": 1})
    return preflight_probe._CONFIG.merge(own)


PATIENT = gives_up_after(300)  # a busy machine answers late
HASTY = gives_up_after(2)  # for a service that never answers
LESS_HASTY = gives_up_after(15)  # for many services of which some answer, on a busy machine


@pytest.fixture(scope="module")
def server(emulator):
    stand_in = StandIn(emulator)
    yield stand_in
    stand_in.close()


@pytest.fixture(scope="module")
def cloud(emulator, server):
    extras = {"analytics": lambda: None}
    return Cloud(emulator.session, emulator.account, "rwa", server.url, extras=extras)


def probe_of(cloud: Cloud, config: preflight_probe.Config) -> Probe:
    probe = Probe(cloud, SESSION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preflight_probe, "_CONFIG", config)
        probe.create_clients()
    return probe


@pytest.fixture(scope="module")
def probe(cloud):
    """Clients for the checks that are made one by one."""
    return probe_of(cloud, PATIENT)


@pytest.fixture(scope="module")
def hasty_probe(cloud):
    """The same for services that never answer."""
    return probe_of(cloud, HASTY)


@pytest.fixture
def aws(server, own_home, monkeypatch):
    """The stand-in, which answers well until a test changes that."""
    monkeypatch.setenv(REPOSITORY_VARIABLE, f"{server.url}/maven2")
    monkeypatch.setattr(preflight_probe, "_CONFIG", PATIENT)
    monkeypatch.setattr(module, "SECONDS", 300)
    server.skew = 0
    server.seen.clear()
    server.files = {NAME: JAR, f"{NAME}.sha1": hashlib.sha1(JAR).hexdigest().encode()}
    server.answers = {
        "GetCallerIdentity": caller(SESSION),
        "ListRoles": roles(ROLE.replace("Learner", "Other"), ROLE),
        "SimulatePrincipalPolicy": simulated,
    }
    return server


def checked(probe: Probe, name: str) -> Line:
    """Return the line of one check."""
    (found,) = module._run(probe, {name: (CHECKS | {"connector": connector})[name]})
    return found


def line(report: Report, name: str) -> Line:
    (found,) = [each for each in report if each.name == name]
    return found
