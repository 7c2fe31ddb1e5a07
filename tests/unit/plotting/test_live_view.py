"""The live chart without a browser: one thread, errors, and the picture that remains."""

import threading

import boto3
import pytest
from botocore.config import Config

from helpers.core.aws_errors import cause_and_remedy
from helpers.core.errors import WorkshopError
from helpers.plotting import live_view as live
from helpers.plotting.live_view import LiveChart, stop_charts

PNG = b"\x89PNG"


def threads(name="test"):
    return [each for each in threading.enumerate() if each.name == f"live-{name}"]


def wait_for(condition, seconds=10):
    waiting = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        waiting.wait(0.02)
    raise AssertionError("it did not happen")


@pytest.fixture
def start():
    def start(draw, name="test", period=0.02, **options):
        return LiveChart(draw, name=name, period=period, size=(2, 1), **options).start()

    yield start
    stop_charts()
    assert not [each for each in threading.enumerate() if each.name.startswith("live-")]


def test_draws_again_and_again(start):
    chart = start(lambda picture: "seen")
    first = chart.frames
    wait_for(lambda: chart.frames >= first + 3)
    assert bytes(chart._image.value).startswith(PNG)
    assert chart._line.value.startswith('<span role="status"')


def test_a_second_start_replaces_the_first_thread(start):
    charts = [start(lambda picture: "seen") for _ in range(4)]
    assert len(threads()) == 1
    assert charts[-1]._thread.is_alive()


def test_charts_of_other_names_run_side_by_side(start):
    start(lambda picture: "a", name="a")
    start(lambda picture: "b", name="b")
    assert len(threads("a")) == len(threads("b")) == 1
    assert stop_charts() == 2
    assert stop_charts() == 0


def test_stop_ends_the_thread_and_can_be_repeated(start):
    chart = start(lambda picture: "seen")
    chart.stop()
    chart.stop()
    frames = chart.frames
    assert not threads()
    assert "Stopped at" in chart._line.value
    threading.Event().wait(0.1)
    assert chart.frames == frames


def test_an_error_is_shown_with_its_remedy_until_it_is_over(start):
    wrong = threading.Event()

    def draw(picture):
        if wrong.is_set():
            raise WorkshopError("The <stream> is gone.", "Deploy it.")
        return "all is well"

    chart = start(draw)
    before = chart._image.value
    wrong.set()
    wait_for(lambda: "⚠" in chart._line.value)
    assert "The &lt;stream&gt; is gone." in chart._line.value
    assert "→ Deploy it." in chart._line.value
    assert chart._image.value == before
    wait_for(lambda: chart.failures >= 3)
    assert chart._pause() >= 8 * chart.period
    wrong.clear()
    wait_for(lambda: "all is well" in chart._line.value)
    assert chart.failures == 0
    assert chart._pause() == chart.period


def test_an_error_in_the_first_picture_leaves_an_empty_one(start):
    def draw(picture):
        picture.box().axes()
        raise ValueError("nothing there")

    chart = start(draw)
    assert bytes(chart._image.value).startswith(PNG)
    assert "ValueError: nothing there" in chart._line.value
    assert threads()


def test_pauses_grow_no_longer_than_half_a_minute(start):
    chart = start(lambda picture: "seen", period=2)
    chart.failures = 50
    assert chart._pause() == live.LONGEST_PAUSE


def test_a_forgotten_chart_ends_by_itself(start, monkeypatch):
    monkeypatch.setattr(live, "LONGEST_SECONDS", 0)
    chart = start(lambda picture: "seen")
    wait_for(lambda: not threads())
    assert "run the cell again" in chart._line.value


def test_each_frame_begins_with_an_empty_picture(start):
    seen = []

    def draw(picture):
        seen.append(len(picture.axes))
        picture.box().axes()
        return "seen"

    start(draw)
    wait_for(lambda: len(seen) > 3)
    assert set(seen) == {0}


def test_markup_in_a_sentence_is_escaped(start):
    chart = start(lambda picture: "<script>alert(1)</script>")
    assert "&lt;script&gt;" in chart._line.value
    assert "<script>" not in chart._line.value


def test_stop_leaves_a_still_picture_where_the_chart_was_shown(start):
    class Handle:
        def update(self, thing):
            self.html = thing.data

    chart = start(lambda picture: 'page <b> "quoted" $x$')
    chart._handles.append(Handle())
    chart.stop()
    html = chart._handles[0].html
    assert 'src="data:image/png;base64,' in html
    assert 'alt="page &lt;b&gt; &quot;quoted&quot; $x$ (Stopped at' in html
    assert "<b>" not in html


def test_a_cloud_that_does_not_answer_leads_to_the_first_cell():
    client = boto3.client(
        "sqs",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(Exception) as caught:
        client.list_queues()
    assert "connect(" in cause_and_remedy(caught.value)[1]
