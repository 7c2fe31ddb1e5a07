"""Module 4's metric by page, alarm and corrected past: right work, common wrong ones, and none.

Those that ask the archive by SQL are in tests/unit/stores/test_athena.py, which has its table.
"""

import time

import pytest

from helpers.exercises import extend
from helpers.exercises.exercise import NotYet, run_check
from helpers.stores.archive import FIELDS
from tests.own_alarm import put_own_alarm
from tests.unit.functions.lambdas import put_catalog, row
from tests.unit.stores.written import put_object, send

PAGES, ALARM, _, _, CORRECTED = extend.EXERCISES
METRIC = "mine"
# Of the second bucket: page, mean, number of beacons. The archive's beacons of it are below.
MEANS = [("/", 150.5, 2), ("/cart", 1100.0, 2), ("/search", 3000.0, 1)]
WITHOUT_SLOW = [("/", 150.5, 2), ("/cart", 200.0, 1), ("/search", 0.0, 0)]
LOAD_TIMES = [("/", 100), ("/", 201), ("/cart", 200), ("/cart", 2000), ("/search", 3000)]


@pytest.fixture(scope="module")
def bucket():
    """The start of the second of two buckets."""
    return int(time.time()) // 10 * 10 - 60


@pytest.fixture
def archived(cloud, bucket, monkeypatch):
    """Return a function that stores a learner's values, next to an archive of two buckets."""
    monkeypatch.setattr(extend, "LONGEST_SECONDS", 0)
    cloud.client("s3").create_bucket(Bucket=cloud.bucket("archive"))
    fields = {"request": "GET /beacon HTTP/1.1", "response": 200}
    fields |= {"custom_metric_name": "page_load_time"}
    records = [
        dict.fromkeys(FIELDS)
        | fields
        | {"beacon_id": f"a:{at}:{number}", "page": page, "custom_metric_int_value": ms}
        | {"requested_at": at * 1000, "received_at": at * 1000, "shipped_at": at * 1000 + number}
        for at in (bucket - 10, bucket)
        for number, (page, ms) in enumerate(LOAD_TIMES)
    ]
    put_object(cloud, *records, hour=bucket)

    def stored(means, most=20):
        put_catalog(cloud, METRIC, MaxItems=most, Statistic="Average", IsWholeNumber=False)
        # The update was made within the first bucket, so that its value is another one.
        values = [(bucket - 10, "/", 201.0, 1)] if means else []
        values += [(bucket, *each) for each in means]
        rows = [
            row(samples, item, at, METRIC, UnitValueFloat=mean, EmittedAt=at * 1000 + 5000)
            for at, item, mean, samples in values
        ]
        if rows:
            send(cloud, *rows)
        return METRIC

    return stored


def test_right_means_pass_though_the_first_bucket_is_counted_in_part(cloud, archived):
    assert "3 means of 3 pages equal the archive's" in run_check(PAGES, archived(MEANS), cloud)


def test_a_corrected_past_passes_when_a_value_that_is_gone_has_no_samples(cloud, archived):
    assert "2 means without slow" in run_check(CORRECTED, archived(WITHOUT_SLOW), cloud)


@pytest.mark.parametrize(
    ("exercise", "means", "sentence"),
    [
        (PAGES, [("All Pages", 1110.2, 5)], r"Its items are All Pages\. Group by the page"),
        (PAGES, [("/", 150.0, 2), *MEANS[1:]], "1 of 3 values differ. / at .* has 150.0, .* 150.5"),
        (PAGES, MEANS[:2], "1 values are missing, e.g. /search"),
        (PAGES, [*MEANS, ("/no", 5.0, 1)], "1 values are of no page view with a load time"),
        (PAGES, WITHOUT_SLOW, "1 values are missing, e.g. /search"),
        (PAGES, [], "has no whole bucket in the last 50 minutes"),
        (CORRECTED, MEANS, "1 values are of slow page views only"),
        (CORRECTED, [MEANS[1], *WITHOUT_SLOW[::2]], "1 of 2 values differ. /cart"),
        (CORRECTED, WITHOUT_SLOW[:1], "1 values are missing, e.g. /cart"),
        (CORRECTED, [], "has no whole bucket"),
    ],
)
def test_wrong_means_have_a_sentence_of_their_own(cloud, archived, exercise, means, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(exercise, archived(means), cloud)


def test_a_limit_of_items_below_the_number_of_pages_is_refused(cloud, archived):
    with pytest.raises(NotYet, match="admits 2 items, and there are 3 pages"):
        run_check(PAGES, archived(MEANS, most=2), cloud)


@pytest.mark.parametrize("exercise", [PAGES, CORRECTED])
@pytest.mark.parametrize(
    ("work", "sentence"),
    [("other", "has no metric 'other'"), (7, "is no text"), (None, "no work yet")],
)
def test_the_name_of_no_metric_has_a_sentence_of_its_own(cloud, exercise, work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(exercise, work, cloud)


@pytest.fixture
def alarm(cloud):
    """Return a function that creates an alarm with a part of its own, and returns its name."""
    names = []

    def put(**own):
        names.append(put_own_alarm(cloud, **own))
        return names[-1]

    yield put
    cloud.client("cloudwatch").delete_alarms(AlarmNames=names)


@pytest.mark.parametrize("own", [{}, {"Period": 60}, {"Statistic": "Average"}])
def test_the_right_alarm_passes(cloud, alarm, own):
    assert "reaches 2.0" in run_check(ALARM, alarm(**own), cloud)


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ({"MetricName": "event_count"}, "another metric"),
        ({"item": "click"}, "no such metric of your pipeline"),
        ({"stack": "other"}, "no such metric of your pipeline"),
        ({"Threshold": 3.0}, "threshold is 3"),
        ({"ComparisonOperator": "GreaterThanThreshold"}, "raised above 2.0"),
        ({"ComparisonOperator": "LessThanThreshold"}, "raised by LessThanThreshold"),
        ({"Statistic": "Sum"}, "statistic is Sum"),
        ({"Statistic": "Average", "Period": 60}, "Its period is 60 s"),
        ({"AlarmActions": []}, "has no action"),
    ],
)
def test_a_wrong_alarm_has_a_sentence_of_its_own(cloud, alarm, own, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(ALARM, alarm(**own), cloud)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [("no-such-alarm", "There is no alarm"), (7, "is no text"), (None, "no work yet")],
)
def test_the_name_of_no_alarm_has_a_sentence_of_its_own(cloud, work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(ALARM, work, cloud)
