"""The exercises of module 4: a metric by page, an alarm, two queries, and a corrected past.

Each is compared with the learner's own archive, so it needs beacons of today.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from helpers.audit.record_outcomes import archived_outcomes
from helpers.core.beacon_definition import BUCKET_SECONDS
from helpers.core.cloud import Cloud
from helpers.core.waiting import poll_until
from helpers.stores.dynamodb import catalog, metric_values

from .exercise import Exercise, NotYet

MINUTES, LONGEST_SECONDS = 50, 120
SLOW_MS = 2000  # load times of exercise 5 are below it
EXACT = 1e-6  # relative: a mean is a 64-bit float
Below = int | None


def page_means(cloud: Cloud, since: datetime, below: Below = None) -> pd.DataFrame:
    """Return the mean load time of each bucket and page, from the archive with pandas.

    Args:
        cloud: where the archive is.
        since: an aware datetime.
        below: only load times below so many milliseconds count.

    Returns:
        Columns Time, Item, Right (the mean) and Beacons.
    """
    records = archived_outcomes(cloud, since)
    ms = records["custom_metric_int_value"]
    timed = records[
        (records["outcome"] == "accepted")
        & (records["custom_metric_name"] == "page_load_time")
        & records["page"].notna()
        & ms.notna()
        & (True if below is None else ms < below)
    ]
    values = (
        timed["custom_metric_int_value"].astype("int64").groupby([timed["Time"], timed["page"]])
    )
    frame = pd.DataFrame({"Right": values.mean(), "Beacons": values.size()})
    return frame.rename_axis(["Time", "Item"]).reset_index()


def check_page_metric(cloud: Cloud, work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a metric of mean load times by page, given by its MetricType."""
    frame = _right_means(cloud, work, None)
    pages = frame["Item"].nunique()
    admitted = _catalog_row(cloud, work)["MaxItems"]
    if admitted < pages:
        raise NotYet(
            f"The catalog admits {admitted} items, and there are {pages} pages: the others share "
            "one CloudWatch metric. A mean of several pages belongs to none of them."
        )
    return f"{len(frame)} means of {pages} pages equal the archive's"


def check_corrected(cloud: Cloud, work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check that the metric, given by its MetricType, has no slow load time, also in the past."""
    frame = _right_means(cloud, work, SLOW_MS)
    return f"{len(frame)} means without slow page views equal the archive's, also the old ones"


def _catalog_row(cloud: Cloud, metric: str) -> pd.Series:
    rows = catalog(cloud).set_index("MetricType")
    if metric not in rows.index:
        raise NotYet(f"The catalog has no metric {metric!r:.40}. Call add_metric first.")
    return rows.loc[metric]


def _right_means(cloud: Cloud, metric: Any, below: Below) -> pd.DataFrame:  # noqa: ANN401
    """Return a metric's values and the archive's, if all are equal."""
    if not isinstance(metric, str):
        raise NotYet(f"{metric!r:.40} is no text. Pass the name of your metric.")
    _catalog_row(cloud, metric)

    def compared() -> pd.DataFrame:
        since = datetime.now(UTC) - timedelta(minutes=MINUTES)
        stored = metric_values(cloud, metric, start=since)
        stored = stored[stored["Samples"] > 0]  # rebuild has set the others to 0
        if stored.empty:
            return stored.assign(Right=[], Beacons=[])
        # The update may have been made within the first bucket, which is counted in part then.
        first = stored["Time"].min()
        right = page_means(cloud, first.to_pydatetime(), below)
        both = stored.merge(right, on=["Time", "Item"], how="outer")
        return both[both["Time"] > first]

    frame = poll_until(
        compared,
        _are_equal,
        "the archive has all beacons of your metric",
        LONGEST_SECONDS,
        pd.DataFrame.to_csv,
    )
    if not _are_equal(frame):
        raise NotYet(_difference(frame, metric, below))
    return frame


def _are_equal(frame: pd.DataFrame) -> bool:
    error = (frame["Value"] - frame["Right"]).abs() / frame["Right"]
    return len(frame) > 0 and bool((error <= EXACT).all())


def _difference(frame: pd.DataFrame, metric: str, below: Below) -> str:
    if frame["Value"].notna().sum() == 0:
        return (
            f"{metric} has no whole bucket in the last {MINUTES} minutes. Is its statement in a "
            "file of your folder, did you update the application, and was there traffic after it?"
        )
    names = sorted(frame.loc[frame["Value"].notna(), "Item"].unique())
    if not any(name.startswith("/") for name in names):
        return f"Its items are {', '.join(names[:3])}. Group by the page, and take it as the item."
    missing = frame[frame["Value"].isna()]
    extra = frame[frame["Right"].isna()]
    if below is not None and (extra["Value"] >= below).any():
        return (
            f"{len(extra)} values are of slow page views only. Old rows stay as they are until "
            "they are counted again."
        )
    if len(extra):
        return f"{len(extra)} values are of no page view with a load time, e.g. {_shown(extra)}."
    if len(missing):
        return f"{len(missing)} values are missing, e.g. {_shown(missing)}."
    wrong = frame[(frame["Value"] - frame["Right"]).abs() / frame["Right"] > EXACT]
    row = wrong.iloc[0]
    return (
        f"{len(wrong)} of {len(frame)} values differ. {row['Item']} at {row['Time']:%H:%M:%S} has "
        f"{row['Value']:.1f}, and the archive {row['Right']:.1f}."
    )


def _shown(frame: pd.DataFrame) -> str:
    return f"{frame.iloc[0]['Item']} at {frame.iloc[0]['Time']:%H:%M:%S}"


def check_alarm(cloud: Cloud, work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check an alarm on the anomaly score of page views, given by its name."""
    if not isinstance(work, str):
        raise NotYet(f"{work!r:.40} is no text. Pass the name of your alarm.")
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=[work])["MetricAlarms"]
    if not found:
        raise NotYet(f"There is no alarm {work!r:.60}.")
    alarm = found[0]
    items = {pair["Name"]: pair["Value"] for pair in alarm.get("Dimensions", [])}
    comparison = alarm["ComparisonOperator"]
    statistic, period = alarm.get("Statistic"), alarm.get("Period")
    problems = (
        (alarm.get("MetricName") != "event_anomaly", "It watches another metric."),
        (
            items != {"Stack": cloud.prefix, "Item": "pageview"},
            f"Its dimensions are {items}: CloudWatch has no such metric of your pipeline.",
        ),
        (alarm["Threshold"] != 2.0, f"Its threshold is {alarm['Threshold']:g}."),
        (
            comparison == "GreaterThanThreshold",
            "It is raised above 2.0. The task is: when the score reaches 2.0.",
        ),
        (comparison != "GreaterThanOrEqualToThreshold", f"It is raised by {comparison}."),
        (
            statistic not in ("Maximum", "Average"),
            f"Its statistic is {statistic}. Which one is a score of ten seconds?",
        ),
        (
            statistic == "Average" and period != BUCKET_SECONDS,
            f"Its period is {period} s. The average of several scores may be low though one of "
            "them reaches 2.0.",
        ),
        (not alarm.get("AlarmActions"), "It sends no message: it has no action."),
    )
    for is_so, sentence in problems:
        if is_so:
            raise NotYet(sentence)
    return f"the alarm {work} sends a message when the score of page views reaches 2.0"


def _today(cloud: Cloud) -> pd.DataFrame:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    records = archived_outcomes(cloud, midnight)
    return records[records["outcome"] == "accepted"]


def check_slowest(cloud: Cloud, work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a list of pages, the one with the longest mean load time today first."""
    try:
        pages = [str(page) for page in work]
    except TypeError:
        raise NotYet(f"{work!r:.40} is no list of pages.") from None
    records = _today(cloud)
    timed = records[records["custom_metric_name"] == "page_load_time"]
    times = timed["custom_metric_int_value"].astype("float64").groupby(timed["page"])
    right = list(times.mean().sort_values(ascending=False).index)
    if pages == right:
        return f"{len(right)} pages are in the right order"
    if pages == right[::-1]:
        raise NotYet("The fastest page comes first.")
    if set(pages) != set(right):
        extra, missing = set(pages) - set(right), set(right) - set(pages)
        raise NotYet(
            f"{len(missing)} pages are missing."
            if missing
            else f"{len(extra)} of the pages have "
            f"no load time of a person today, e.g. {min(extra)!r:.40}."
        )
    if pages == list(times.max().sort_values(ascending=False).index):
        raise NotYet("The order is that of the single slowest page views. One slow one decides it.")
    place = _first_difference(pages, right) + 1
    raise NotYet(f"The order is not right from place {place} on. Are copies counted once?")


def _first_difference(found: list, right: list) -> int:
    return next(n for n, pair in enumerate(zip(found, right, strict=True)) if pair[0] != pair[1])


def check_funnel(cloud: Cloud, work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check three numbers of visitors: who viewed a page, clicked after it, bought after that."""
    try:
        numbers = [int(number) for number in work]
    except (TypeError, ValueError):
        raise NotYet(f"{work!r:.40} is no list of three numbers.") from None
    records = _today(cloud)
    known = records[records["clientid"].notna()]
    right = _visitors(known)
    if numbers == right:
        return f"of {right[0]} visitors, {right[1]} clicked, and {right[2]} of them bought"
    if len(numbers) != 3:
        raise NotYet(f"These are {len(numbers)} numbers. The funnel has three steps.")
    step = _first_difference(numbers, right)
    beacons = [int((known["event"] == event).sum()) for event in STEPS]
    for counts, sentence in (
        (
            _visitors(records.fillna({"clientid": ""})),
            "A beacon without a clientid belongs to no visitor.",
        ),
        (_visitors(known, in_order=False), "A step must not come before the previous one."),
        (beacons, "It counts beacons. One visitor has many."),
    ):
        if numbers[step] == counts[step] != right[step]:
            raise NotYet(f"Step {step + 1}: {sentence}")
    much = "many" if numbers[step] > right[step] else "few"
    raise NotYet(f"Step {step + 1}: {numbers[step]} visitors are too {much}.")


STEPS = ("pageview", "click", "conversion")


def _visitors(records: pd.DataFrame, in_order: bool = True) -> list[int]:
    """Return how many visitors reach each step."""
    found: list[pd.Series] = []  # for each step, the moment of each visitor who reached it
    for event in STEPS:
        rows = records.loc[records["event"] == event, ["clientid", "received_at"]]
        if found:
            before = rows["clientid"].map(found[-1])
            rows = rows[before.notna() & ((rows["received_at"] >= before) | (not in_order))]
        found.append(rows.groupby("clientid")["received_at"].min())
    return [len(moments) for moments in found]


Check = Callable[[Cloud, Any], str]
_CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("4-1", "Page by page", check_page_metric),
    ("4-2", "Send a message", check_alarm),
    ("4-3", "Query the archive", check_slowest),
    ("4-4", "A funnel of visitors", check_funnel),
    ("4-5", "Correct the past", check_corrected),
)
EXERCISES = tuple(Exercise(*fields, on_cloud=True) for fields in _CHECKS)
