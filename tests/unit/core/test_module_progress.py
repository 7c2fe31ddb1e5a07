"""The checks that passed are stored by deployment and shown in the notebooks' order."""

from helpers.core.cloud import Cloud
from helpers.core.module_progress import note_passed, progress, title
from helpers.core.paths import home


def cloud(prefix="rwa") -> Cloud:
    return Cloud(session=_Region(), account="1", prefix=prefix, endpoint=None)


class _Region:
    region_name = "eu-west-1"


def test_at_first_no_check_has_passed(own_home):
    found = progress(cloud())
    assert list(found.passed)[:2] == ["0-start-here", "1-capture"]
    assert not any(found.passed.values())
    assert found.sentence.startswith("0 of ") and found.sentence.endswith("Next: 0 · Start here.")


def test_a_passed_check_is_stored_for_its_prefix_only(own_home):
    note_passed(cloud(), "0-start-here")
    note_passed(cloud(), "1-capture")
    found = progress(cloud())
    assert [name for name, at in found.passed.items() if at] == ["0-start-here", "1-capture"]
    assert found.sentence.endswith("Next: 2 · Analyse.")
    shown = found._repr_html_()
    assert shown.count("✓") == 2 and "<a href='2-analyze.ipynb'>2 · Analyse</a>" in shown
    assert repr(found).splitlines()[1] == "✓ 1 · Capture"
    assert not any(progress(cloud("other")).passed.values())


def test_the_sentence_reports_that_all_modules_are_done(own_home):
    for name in progress(cloud()).passed:
        note_passed(cloud(), name)
    assert progress(cloud()).sentence.endswith("All modules are done.")


def test_a_damaged_file_counts_as_no_passed_check(own_home):
    note_passed(cloud(), "1-capture")
    (file,) = (home() / "progress").iterdir()
    file.write_text("{")
    assert not any(progress(cloud()).passed.values())


def test_a_title_is_the_notebooks_own():
    assert title("3-visualize") == "3 · Visualise"
