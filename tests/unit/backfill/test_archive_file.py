"""Whose later records a rebuild reads: those of visits that began in its range."""

from helpers.backfill.archive_file import LONGEST_GAP_SECONDS, Visitors

END = 1_800_000_000
HOUR = 3600


def beacon(name, at):
    return {"clientid": name, "requested_at": at * 1000}


def test_a_visitor_of_the_ranges_end_is_followed_until_the_gap():
    visitors = Visitors(END)
    assert visitors.note(beacon("ann", END - 60))
    assert visitors.note(beacon("ann", END + 600))
    assert visitors.note(beacon("ann", END + LONGEST_GAP_SECONDS + 500))
    assert not visitors.note(beacon("ann", END + 3 * LONGEST_GAP_SECONDS))


def test_others_are_not_followed():
    visitors = Visitors(END)
    assert not visitors.note(beacon("after", END)), "this visit begins after the range"
    assert not visitors.note(beacon("before", END - LONGEST_GAP_SECONDS - 1))
    assert not visitors.note({"rejected": "unparsable"})
    assert not visitors.note({"clientid": 7, "requested_at": None})
    assert visitors.forget(END) == 0


def test_a_late_beacon_does_not_end_a_visit():
    visitors = Visitors(END)
    for at in (END - 60, END + HOUR, END - 120, END + 2 * HOUR):
        assert visitors.note(beacon("ann", at))


def test_who_was_not_seen_for_a_gap_is_forgotten():
    visitors = Visitors(END)
    visitors.note(beacon("ann", END - 60))
    visitors.note(beacon("ben", END - HOUR))
    assert visitors.forget(END + HOUR) == 2
    assert visitors.forget(END + LONGEST_GAP_SECONDS - 60) == 1
    assert visitors.forget(END + LONGEST_GAP_SECONDS) == 0
