"""The ledger reports no losses at stages that are behind or could not be read completely."""

import dataclasses
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from bench import chain, report
from helpers.audit import diagnosis as causes
from helpers.audit import ledger as accounts
from helpers.audit import stage_counts
from helpers.audit.ledger import ledger
from helpers.core import waiting
from helpers.core.errors import IncompleteError, TargetStopped
from helpers.core.waiting import poll_until
from helpers.stores import kinesis as stream
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.stores.kinesis import record_pages
from tests.read_ledger import broken, numbers
from tests.unit.audit.ledger_world import NOW, PLAIN, START, delete


@pytest.fixture
def clock(monkeypatch):
    """A clock that advances only while a ledger is read, or during a wait."""
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)

    def sleep(seconds):
        clock.now += seconds

    clock.sleep = sleep
    monkeypatch.setattr(waiting, "time", clock)
    return clock


def one_by_one(*given, **start):
    """The pages of a stream, each with a single record."""
    for page in record_pages(*given, **start):
        yield from ([record] for record in page)


def change_answers(cloud, service, operation, change):
    """Let a function change each answer to an operation before boto3 returns it."""
    event = f"after-call.{service}.{operation}"
    cloud.client(service).meta.events.register(event, lambda parsed, **_: change(parsed))


class Slow:
    """A ledger that takes longer to read than the wait, and reports the state at its beginning."""

    def __init__(self, clock, seconds, settles_at):
        self.clock, self.seconds, self.settles_at, self.reads = clock, seconds, settles_at, 0

    def __call__(self, *_):
        is_settled, self.reads = self.clock.now >= self.settles_at, self.reads + 1
        self.clock.now += self.seconds
        return SimpleNamespace(balances=is_settled, is_complete=is_settled, wrong=0)


def test_the_last_reading_begins_after_the_wait_however_long_readings_take(clock):
    # 8,000 beacons/s for a minute: the archive is complete 10 s later, and a reading takes 40 s.
    # The first reading begins too early, and ends after the 30 s of the wait.
    slow = Slow(clock, seconds=40, settles_at=10)
    assert poll_until(slow, lambda account: account.balances, "it", 30).balances and slow.reads == 2
    never = Slow(clock, seconds=40, settles_at=10**6)
    assert not poll_until(never, lambda account: account.balances, "it", 30).balances
    assert never.reads == 2


@pytest.mark.parametrize(("settles_at", "lost"), [(chain.LEDGER_SECONDS - 1, 0), (10**6, None)])
def test_the_bench_reports_no_losses_of_a_ledger_that_was_read_too_early(
    clock, monkeypatch, settles_at, lost
):
    monkeypatch.setattr(chain, "ledger", Slow(clock, seconds=40, settles_at=settles_at))
    assert chain._balance(None, datetime.now(UTC)) == lost
    run = {"rate": 8000, "seconds": 60, "sent": 480_000, "lost": lost, "p99": 1.0}
    assert chain.is_held(run) == (lost == 0)
    assert report._lost(run) == ("0" if lost == 0 else "not known")


def behind(world, count, old=0):
    """A world whose archive lacks the newest beacons, and a number of old ones."""
    world.with_the_rest()
    for _ in range(old):
        world.send(PLAIN, 3)
    world.send(PLAIN, 100)
    now = datetime.now(UTC).timestamp() - START
    for _ in range(count):
        world.send(PLAIN, now - 5)
    world.flow()
    delete_objects(world.cloud, lambda number: number != old)
    return world.account()


def delete_objects(cloud, is_chosen):
    s3, bucket = cloud.client("s3"), cloud.bucket("archive")
    for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        if is_chosen(int(entry["Key"][-9:-3])):
            s3.delete_object(Bucket=bucket, Key=entry["Key"])


def test_an_archive_that_is_behind_has_no_losses(world):
    account = behind(world, count=causes.SAMPLE + 10)
    assert broken(account) == {"archived": (30, 0), "flink": (0, 30)}
    assert account.frame.loc["archived", "Pending"] == 30 and account.wrong == 0
    assert not account.balances and not account.is_complete
    assert "Archive: 30 on the way" in account.sentence and "+30 ahead" in account.sentence
    assert account.sentence.endswith("So far none is lost: run ledger(cloud) again in a while.")


def test_lost_beacons_and_pending_ones_are_counted_separately(world):
    account = behind(world, count=25, old=2)
    assert broken(account) == {"archived": (27, 0), "flink": (0, 27)}
    assert account.frame.loc["archived", "Pending"] == 25 and account.wrong == 2
    assert "−27 missing" in account.sentence and "So far" not in account.sentence


def test_a_stage_that_returns_an_error_is_not_known(full, monkeypatch):
    def refused_after_a_page(*given, **start):
        yield next(record_pages(*given, **start))
        error = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "later"}}
        raise ClientError(error, "GetRecords")

    monkeypatch.setattr(stream, "record_pages", refused_after_a_page)
    account = full.account()
    assert account.unread == ["flink"] and not account.balances and not account.is_complete
    assert account.wrong == 0 and numbers(account, "flink", "dynamodb") == [None, 48]
    assert "Flink: not known (not read completely: " in account.sentence
    assert "not known" in account._repr_html_() and account.picture.png()


@pytest.mark.parametrize("stage", ["archived", "shown"])
def test_an_unknown_stage_does_not_hide_losses_of_others(full, monkeypatch, stage):
    def half(*_):
        raise IncompleteError("It returned only a part.", "Run this cell again.")

    monkeypatch.setattr(stage_counts, stage, half)
    delete(full.cloud, "rejected_count", START + 10, "unparsable")
    account = full.account()
    assert account.unread == [{"shown": "cloudwatch"}.get(stage, stage)]
    assert account.wrong == 1 and account.frame.loc["dynamodb", "Missing"] == 1
    assert not account.is_complete and account.picture.png() and account._repr_html_()


def test_a_stopped_target_raises_an_error(full, monkeypatch):
    def stopped(*_):
        raise TargetStopped("The target has ended.", "Connect again.")

    monkeypatch.setattr(stage_counts, "stored", stopped)
    with pytest.raises(TargetStopped):
        full.account()


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_with_a_part_of_cloudwatchs_values_the_stage_is_not_known(full, status):
    def fail_the_last(parsed):
        parsed["MetricDataResults"][-1] |= {"StatusCode": status, "Timestamps": [], "Values": []}

    assert full.account().balances
    change_answers(full.cloud, "cloudwatch", "GetMetricData", fail_the_last)
    with pytest.raises(IncompleteError, match=status):
        cloudwatch_values(full.cloud, "referral_count", minutes=60)
    account = full.account()
    assert account.unread == ["cloudwatch"] and account.wrong == 0


def test_a_stage_that_keeps_less_than_the_range_is_not_known(full):
    def make_old(parsed):
        parsed["StreamDescriptionSummary"]["StreamCreationTimestamp"] -= timedelta(days=3)

    change_answers(full.cloud, "kinesis", "DescribeStreamSummary", make_old)
    assert full.account().balances
    long_ago = datetime.fromtimestamp(NOW, UTC) - timedelta(hours=25)
    account = ledger(full.cloud, long_ago)
    assert account.unread == ["flink"] and account.wrong == 0
    assert "keeps 24 hours" in account.frame.loc["flink", "Cause"]
    week = ledger(full.cloud, long_ago - timedelta(days=7))
    assert week.unread == ["flink", "dynamodb"] and week.wrong == 0


def test_rows_that_flink_wrote_long_after_the_range_are_counted(full, monkeypatch):
    # As after a stop of Flink, the rows of buckets that ended 20 minutes ago arrived just now.
    monkeypatch.setattr(stream, "record_pages", one_by_one)
    monkeypatch.setattr(stage_counts, "_AFTER", timedelta(minutes=1))
    account = full.account(end=datetime.fromtimestamp(START + 60, UTC))
    assert numbers(account, "flink") == [48] and account.balances


def test_beacons_that_a_running_generator_has_not_journaled_yet_are_no_doubles(world, monkeypatch):
    world.with_the_rest()
    for at in (0, 30):
        world.send(PLAIN, at, journaled=at == 0)
    account = world.flow().account()
    assert broken(account) == {"archived": (0, 1)} and account.wrong == 1
    monkeypatch.setattr(accounts, "running_pid", lambda role: 1 if role == "live" else None)
    account = world.account()
    assert account.balances and numbers(account, "not_in_journal") == [1]
    world.send(PLAIN, 50)  # now the journal is complete until twenty seconds later
    assert world.flow().account().wrong == 1


def test_the_cause_is_unknown_if_the_clicks_stream_is_too_long_to_be_searched(world, monkeypatch):
    monkeypatch.setattr(causes, "_STREAM_RECORDS", 3)
    monkeypatch.setattr(stream, "record_pages", one_by_one)
    world.with_the_rest()
    for number in range(6):
        world.send(dataclasses.replace(PLAIN, page=b"/%d" % number), number)
    world.flow()
    delete_objects(world.cloud, lambda number: True)
    account = world.account()
    why = account.missing.query("Stage == 'archived'")["Cause"].value_counts().to_dict()
    assert why == {
        "shipped, but not in the archive: an object is missing, or Firehose failed": 3,
        "not in the archive; the clicks stream is too long to be searched for it": 3,
    }
