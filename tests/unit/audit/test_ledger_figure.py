"""The ledger's picture has no overlapping texts, and its table escapes visitors' data."""

from datetime import UTC, datetime

import matplotlib.text
import pandas as pd
import pytest

from helpers.audit.ledger import COLUMNS, STAGES, Ledger
from tests.unit.audit.ledger_world import HOSTILE


def frame(**rows):
    """A ledger's frame from rows of: accepted, rejected, duplicates, missing, double."""
    names = ("sent", "unanswered", "refused", "answered", "unanswered_but_logged",
             "not_in_journal", "sent_again", "undecided", "archived", "flink", "dynamodb",
             "cloudwatch", "dead_letters")  # fmt: skip
    table = []
    for name in names:
        numbers = rows.get(name)
        if numbers is None:
            table.append({} if name in STAGES else {"Beacons": 0})
            continue
        accepted, rejected, duplicates, missing, double = (*numbers, 0, 0, 0, 0)[:5]
        table.append(
            dict.fromkeys(COLUMNS, 0)
            | {"Beacons": accepted + rejected + duplicates, "Accepted": accepted,
               "unparsable": rejected, "Duplicates": duplicates, "Missing": missing,
               "Double": double}
        )  # fmt: skip
    frame = pd.DataFrame(table, index=list(names), columns=list(COLUMNS)).astype("Int64")
    has_missing = frame["Missing"].fillna(0) > 0
    frame["Cause"] = has_missing.map({True: "put twice into CloudWatch", False: ""})
    return frame.rename_axis("Stage")


def same(*row, bots=0, **rows):
    made = frame(**dict.fromkeys(STAGES, row) | rows)
    made.loc[list(STAGES), "Bots"] = bots
    made.loc[list(STAGES), "Beacons"] += bots
    return made


LOOKS = {
    "none": same(0),
    "one": same(1),
    "many": same(970_000, 10_000, 20_000),
    "open": frame(sent=(400, 4, 8), answered=(400, 4, 8), archived=(400, 4, 8)),
    "bots": same(970_000, 10_000, 20_000, bots=123_456),
    "broken": same(
        1_234_567, 196, 1197, unanswered=(1400,), refused=(12,), not_in_journal=(3,),
        sent_again=(6,), unanswered_but_logged=(6,), archived=(1_234_000, 196, 1203, 96, 1_234_567),
        flink=(0, 0, 0, 1_234_567), cloudwatch=(2_469_000, 0, 0, 1_234_567, 1_234_567),
        undecided=(0, 12), dead_letters=(1_234,),
    ),
    "not read": same(1_000, flink=None),
}  # fmt: skip
LOOKS["not read"].loc["flink", "Cause"] = "not read completely: Rate exceeded."


@pytest.mark.parametrize("look", LOOKS)
def test_texts_of_the_picture_do_not_overlap(look):
    account = Ledger(LOOKS[look], pd.DataFrame(), datetime.now(UTC), None)
    picture = account.picture
    assert picture.png().startswith(b"\x89PNG")
    words = [each for each in picture.findobj(matplotlib.text.Text) if each.get_text()]
    boxes = [(each.get_bbox_patch() or each).get_window_extent() for each in words]
    width, height = picture.get_size_inches() * picture.dpi
    for index, (word, box) in enumerate(zip(words, boxes, strict=True)):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, word
        for other, others in zip(words[index + 1 :], boxes[index + 1 :], strict=True):
            assert not box.overlaps(others), (word, other)


def test_the_table_escapes_visitors_data(full):
    full.send(HOSTILE, 50, logged=False)
    shown = full.account()._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown
    assert shown.count("−1 missing") == 3  # the picture's caption, its alternative, the table
    assert repr(full.account()).startswith("49 beacons sent. Archive: −1 missing")
