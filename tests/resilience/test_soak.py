"""Two minutes of what `make soak` does in half an hour."""

from bench.soak import DEGRADED_TRAFFIC, FAULTS, KILLS, plan, soak


def test_the_same_seed_plans_the_same_and_every_kind_has_its_turn():
    failures = plan(900, 50, seed=1)
    assert failures == plan(900, 50, seed=1) != plan(900, 50, seed=2)
    assert [failure.at for failure in failures] == sorted(failure.at for failure in failures)
    assert {failure.name for failure in failures} == {*KILLS, *(f"{a} {b}" for a, b, _ in FAULTS)}


def test_whatever_fails_every_stage_reports_the_same(chain):
    found = soak(chain, seconds=120, rate=500, failures=7, seed=3, **DEGRADED_TRAFFIC)
    account = found["ledger"]
    assert account.balances, f"{account}\n{account.missing.to_string()}"
    assert account.frame.loc["sent", "Beacons"] > 50_000
    assert found["wrong"].empty, found["wrong"]
    assert all(failure.ended for failure in found["failures"])
    assert len({failure.name for failure in found["failures"]}) == 7
