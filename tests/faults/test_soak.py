"""Two minutes of what `make soak` does in half an hour."""

from bench.soak import DIRT, FAULTS, KILLS, plan, soak


def test_the_same_seed_plans_the_same_and_every_kind_has_its_turn():
    blows = plan(900, 50, seed=1)
    assert blows == plan(900, 50, seed=1) != plan(900, 50, seed=2)
    assert [blow.at for blow in blows] == sorted(blow.at for blow in blows)
    assert {blow.name for blow in blows} == {*KILLS, *(f"{a} {b}" for a, b, _ in FAULTS)}


def test_whatever_is_struck_every_stage_says_the_same(chain):
    found = soak(chain, seconds=120, rate=500, blows=7, seed=3, **DIRT)
    account = found["ledger"]
    assert account.balances, account
    assert account.frame.loc["sent", "Beacons"] > 50_000
    assert found["wrong"].empty, found["wrong"]
    assert all(blow.ended for blow in found["blows"])
    assert len({blow.name for blow in found["blows"]}) == 7
