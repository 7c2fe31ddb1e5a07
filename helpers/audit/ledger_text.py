"""The ledger's texts: numbers by stage, differences, a sentence, and a table."""

import html

import pandas as pd

from helpers.core.text import shorten

TITLES = {
    "sent": "Sent",
    "answered": "Answered",
    "archived": "Archive",
    "flink": "Flink",
    "dynamodb": "DynamoDB",
    "cloudwatch": "CloudWatch",
}
ACCEPTED, BOTS, REJECTED, DUPLICATES = "accepted", "bots", "rejected", "duplicates"
ZERO, MISSING, WAITS = "zero", "missing", "on its way"
ABSENT, UNKNOWN = "absent", "not known"
# Rows that are no losses: the stage under which the picture shows them, and the words.
NOTES = {
    "unanswered": ("answered", "without answer"),
    "refused": ("answered", "refused"),
    "unanswered_but_logged": ("archived", "logged, unanswered"),
    "not_in_journal": ("archived", "not in the journal"),
    "sent_again": ("archived", "sent again by agents"),
    "undecided": ("flink", "just as Flink forgot"),
}
_STYLE = (
    "background:#FFFFFF;color:#1F2328;border-collapse:collapse;font-size:13px;margin:6px 0;"
    "font-variant-numeric:tabular-nums"
)
_CELL = "padding:3px 10px;border-bottom:1px solid #D8DEE4;background:#FFFFFF"
_INK, _QUIET = "#1F2328", "#57606A"
_COLORS = {
    ZERO: "#00684C", MISSING: "#B34700", WAITS: "#8A5A00", UNKNOWN: "#8A5A00", ABSENT: _QUIET
}  # fmt: skip
_NAMED = 10  # rows of missing beacons in the table
_LONGEST = 80  # characters of a page in the table


def count(frame: pd.DataFrame, row: str, column: str = "Beacons") -> int:
    """Return a number of the ledger, 0 where it is missing."""
    number = frame.at[row, column]
    return 0 if pd.isna(number) else int(number)


def state(frame: pd.DataFrame, stage: str) -> str:
    """Return `zero`, `missing` (or counted twice), `on its way`, `not known`, or `absent`."""
    if pd.isna(frame.at[stage, "Beacons"]):
        return UNKNOWN if frame.at[stage, "Cause"] else ABSENT
    if not count(frame, stage, "Missing") and not count(frame, stage, "Double"):
        return ZERO
    return MISSING if faults(frame, stage) else WAITS


def faults(frame: pd.DataFrame, stage: str) -> int:
    """Return how many beacons a stage has lost or counted twice.

    Beacons that may still arrive are left out, and doubles that only the stage before lacks.
    """
    missing, pending, double = (
        count(frame, stage, name) for name in ("Missing", "Pending", "Double")
    )
    return missing - pending + max(double - lacking(frame, stage), 0)


def lacking(frame: pd.DataFrame, stage: str) -> int:
    """Return how many beacons are missing at the last stage before this one that was read."""
    before = frame.loc[list(TITLES)[: list(TITLES).index(stage)], "Missing"].dropna()
    return 0 if before.empty else int(before.iloc[-1])


def totals(frame: pd.DataFrame, stage: str) -> dict[str, int]:
    """Return a stage's accepted, rejected and duplicate beacons, and those of bots."""
    beacons, accepted, bots, duplicates = (
        count(frame, stage, name) for name in ("Beacons", "Accepted", "Bots", "Duplicates")
    )
    rejected = beacons - accepted - bots - duplicates
    return {ACCEPTED: accepted, BOTS: bots, REJECTED: rejected, DUPLICATES: duplicates}


def difference(frame: pd.DataFrame, stage: str) -> list[str]:
    """Return a stage's difference from the stage before, in lines of a few words."""
    condition = state(frame, stage)
    if condition in (ABSENT, UNKNOWN):
        return ["not deployed" if condition == ABSENT else "not known"]
    missing, double = (count(frame, stage, name) for name in ("Missing", "Double"))
    lines = []
    if missing:
        lines.append(f"−{missing:,} missing" if condition == MISSING else f"{missing:,} on the way")
    if double:
        lines.append(f"+{double:,} twice" if condition == MISSING else f"+{double:,} ahead")
    return lines or ["✓ 0"]


def notes(frame: pd.DataFrame, stage: str) -> list[str]:
    """Return the lines under a stage's difference: numbers that are no losses."""
    numbers = [(count(frame, row), words) for row, (at, words) in NOTES.items() if at == stage]
    return [f"{number:,} {words}" for number, words in numbers if number]


def sentence(frame: pd.DataFrame) -> str:
    """Return a description of the picture, for those who can't see it.

    Example:
        `sentence(account.frame)` -> `412 beacons sent: every stage accounts for all of them, ...`
    """
    sent = count(frame, "sent")
    begin = f"{sent:,} beacon{'' if sent == 1 else 's'} sent"
    absent = [stage for stage in TITLES if state(frame, stage) == ABSENT]
    more = f" Not deployed yet: {', '.join(TITLES[each] for each in absent)}." if absent else ""
    wrong = [
        f"{TITLES[stage]}: {' and '.join(difference(frame, stage))} ({frame.at[stage, 'Cause']})"
        for stage in TITLES
        if state(frame, stage) in (MISSING, WAITS, UNKNOWN)
    ]
    if wrong:
        states = {state(frame, stage) for stage in TITLES}
        if MISSING not in states:
            more = f" So far none is lost: run ledger(cloud) again in a while.{more}"
        return f"{begin}. {'; '.join(wrong)}.{more}"
    there = [stage for stage in TITLES if stage not in absent]
    if not any(count(frame, stage) for stage in there):
        return f"No beacons in this time: start the traffic.{more}"
    parts = [f"{number:,} {name}" for name, number in totals(frame, there[-1]).items()]
    remarks = [note for stage in TITLES for note in notes(frame, stage)]
    rest = f" ({', '.join(remarks)})" if remarks else ""
    return (
        f"{begin}{rest}: every stage accounts for all of them, {', '.join(parts)}; "
        f"none is missing, none is counted twice.{more}"
    )


def table_html(frame: pd.DataFrame, missing: pd.DataFrame) -> str:
    """Return the ledger as an HTML table, and below it a sample of the missing beacons.

    Args:
        frame: the ledger's frame.
        missing: the ledger's sample.
    """
    text = _table(*_stage_lines(frame))
    if len(missing):
        columns = ["Stage", "Kind", "Time", "beacon_id", "event", "clientid", "page", "Cause"]
        shown = missing.head(_NAMED)[columns]
        shown = shown.assign(Time=shown["Time"].dt.strftime("%H:%M:%S"))
        lines = [
            [(_short(value), f"text-align:left;color:{_INK}") for value in row]
            for row in shown.to_numpy()
        ]
        # Folded, because while traffic flows, many beacons are on their way.
        title = f"A sample of these beacons ({len(lines)})"
        text += f"<details><summary>{title}</summary>{_table(columns, lines)}</details>"
    return text


def _stage_lines(frame: pd.DataFrame) -> tuple[list[str], list[list[tuple[str, str]]]]:
    """Return the table's head, and its lines of cells, each a text and its style."""
    plain = ("Beacons", "Accepted", "Duplicates")
    numbers = [
        name
        for name in frame.columns.drop(["Missing", "Double", "Cause"])
        if name in plain or frame[name].fillna(0).any()
    ]
    head = ["Stage", *(name.replace("_", " ") for name in numbers), "Difference", "Likely cause"]
    lines = []
    for name in frame.index:
        stage = name in TITLES
        if not stage and not count(frame, name):
            continue
        color = _INK if stage else _QUIET
        title = TITLES.get(name) or NOTES.get(name, ("", "batches in dead-letter queues"))[1]
        values = [
            "–" if pd.isna(frame.at[name, each]) else f"{frame.at[name, each]:,}"
            for each in numbers
        ]
        compared = stage and name != "sent"
        words = ", ".join(difference(frame, name)) if compared else ""
        shade = _COLORS[state(frame, name)] if compared else color
        left = f"text-align:left;color:{color}"
        lines.append(
            [
                (title, left if stage else f"{left};padding-left:26px"),
                *((value, f"text-align:right;color:{color}") for value in values),
                (words, f"text-align:right;font-weight:600;color:{shade}"),
                (frame.at[name, "Cause"], left),
            ]
        )
    return head, lines


def _short(value: object) -> str:
    if value is None or pd.isna(value):
        return "–"
    return shorten(str(value), _LONGEST)


def _table(head: list[str], lines: list[list[tuple[str, str]]]) -> str:
    heads = "".join(
        f'<th style="{_CELL};text-align:left;color:{_INK}">{html.escape(text)}</th>'
        for text in head
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_CELL};{style}">{html.escape(text)}</td>' for text, style in line)
        + "</tr>"
        for line in lines
    )
    # The class prevents JupyterLab from reading text between two $ as a formula.
    return f'<table class="mathjax_ignore" style="{_STYLE}"><tr>{heads}</tr>{body}</table>'
