"""Each part of a running chain killed in turn, and AWS on a bad day: nothing lost, nothing double.

When the job catches up, Flink may read waiting files in another order; counts stay exact.
"""

import pytest

from helpers.audit import reconcile as reconciling
from helpers.audit.ledger import ledger
from helpers.audit.reconcile import MISSING, TWICE, reconcile
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import bucket_edge, poll_until
from helpers.experiments.fault_injection import fault
from helpers.experiments.process_kill import PROCESS_KINDS, kill, recovered
from helpers.experiments.recovery import time_to_recovery
from helpers.traffic.traffic import Traffic
from tests.read_ledger import assert_recount_agrees, assert_sums_agree

SECONDS = 900  # for a start of Flink on a busy machine
# The last two together: Flink, which each of them takes down, need start only once.
TURNS = (["server"], ["agent"], ["function"], ["flink"], ["pump", "supervisor"])
FAULTS = (
    ("kinesis", {"throttle": 0.3}),
    ("kinesis", {"partial": 0.3}),
    ("dynamodb", {"error": 0.3}),
    ("cloudwatch", {"throttle": 0.3}),
)


@pytest.fixture
def traffic(chain):
    traffic = Traffic(chain)
    yield traffic
    traffic.stop()


def test_whatever_is_killed_or_fails_every_beacon_is_counted_once(
    chain, traffic, capsys, monkeypatch
):
    since = bucket_edge(60)
    traffic.start(rate=50, late_percent=2, malformed_percent=2)
    assert time_to_recovery(chain, seconds=SECONDS) is not None
    for names in TURNS:
        killed = [(name, kill(chain, name)) for name in names]
        said = capsys.readouterr().out
        for name, pid in killed:
            assert f"(process {pid})" in said
            assert recovered(chain, name, pid, SECONDS) < SECONDS
    for service, shares in FAULTS:
        with fault(chain, service, **shares):
            # Beacons are counted while the fault lasts, only later.
            assert time_to_recovery(chain, seconds=SECONDS) is not None
    with fault(chain, "cloudwatch", lost_answer=0.5):
        # On a busy machine few calls carry it all, and chance may spare each of them.
        poll_until(lambda: ledger(chain, since), is_put_twice, "an answer is lost", SECONDS)
    traffic.stop()

    account = poll_until(lambda: ledger(chain, since), nothing_missing, "all is counted", SECONDS)
    assert nothing_missing(account), account
    counted = account.frame.loc[["archived", "flink", "dynamodb"], "Double"]
    assert not counted.any(), account
    assert account.frame.loc["answered", "Beacons"] > 1000, account
    assert_recount_agrees(chain, since)
    # A call that took effect and whose response was lost is ambiguous, but the double value can be
    # found and repaired.
    assert is_put_twice(account), account
    assert "reconcile" in account.frame.loc["cloudwatch", "Cause"]
    assert_mended(chain, since, monkeypatch)


def is_put_twice(account) -> bool:
    return account.frame.loc["cloudwatch", "Double"] > 0


def nothing_missing(account) -> bool:
    return not account.frame["Missing"].sum()


def assert_mended(cloud, since, monkeypatch) -> None:
    """Values that CloudWatch has twice are found and repaired; then the ledger balances."""
    monkeypatch.setattr(reconciling, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(reconciling, "PAUSE_SECONDS", 0)
    found = reconcile(cloud, since)
    assert TWICE in set(found["Verdict"]) and "referral_count" in set(found["Metric"])

    def repaired() -> bool:
        # A batch may still be sent once more after the first repair.
        reconcile(cloud, since, repair=True)
        return not reconcile(cloud, since)["Verdict"].isin([TWICE, MISSING]).any()

    assert poll_until(repaired, bool, "no difference is left", SECONDS)
    account = poll_until(lambda: ledger(cloud, since), lambda a: a.balances, "it balances", SECONDS)
    assert account.balances, account
    assert_sums_agree(cloud, since)


def test_what_is_not_there_can_not_be_killed(chain):
    assert sorted(PROCESS_KINDS) == sorted(sum(TURNS, []))
    with pytest.raises(WorkshopError, match="server, agent, flink, pump, function, supervisor"):
        kill(chain, "database")
    with pytest.raises(WorkshopError, match=r"Flink can't be killed.*\n.*start_analytics\(cloud\)"):
        kill(Cloud(chain.session, chain.account, "other", chain.endpoint), "flink")
    with pytest.raises(WorkshopError, match="Fault Injection Service"):
        kill(Cloud(chain.session, "123456789012"), "flink")
    with pytest.raises(WorkshopError, match="was not replaced within 0 s"):
        recovered(chain, "server", kill(chain, "server"), seconds=0)
