"""A beacon sent by hand, with whatever a learner writes into its headers."""

import json

import pytest

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.generator.run import journal_folder
from helpers.traffic import send_beacon as by_hand
from tests.running_server import Server


@pytest.fixture
def cloud(tmp_path, own_home, monkeypatch):
    server = Server(tmp_path / "access.log")
    monkeypatch.setattr(by_hand, "beacon_url", lambda _: f"http://127.0.0.1:{server.port}/beacon")
    monkeypatch.setattr(Cloud, "identity", "here")
    yield Cloud(None, "000000000000", "rwa", "http://127.0.0.1:1"), server
    server.end()


def journal() -> list[dict]:
    path = journal_folder("here") / "by-hand.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_numbers_and_every_script_are_sent_and_noted_as_they_were(cloud, capsys):
    cloud, server = cloud
    by_hand.send_beacon(cloud, "click", "/日本 à", "me", custom_metric_int_value=60000)
    (noted,) = journal()
    assert (noted["page"], noted["custom_metric_int_value"]) == ("/日本 à", "60000")
    assert noted["status"] == 200 and "/日本 à" in capsys.readouterr().out
    assert r"/\xe6\x97\xa5\xe6\x9c\xac \xc3\xa0" in server.log.read_text()


def test_a_beacon_with_a_bots_headers_is_expected_to_count_as_a_bots(cloud):
    for headers in ({}, {"automation": "webdriver"}, {"User-Agent": "curl/8.14.1"}):
        by_hand.send_beacon(cloud[0], "click", "/", "me", **headers)
    assert [noted["expect"] for noted in journal()] == ["accepted", "bot", "bot"]


@pytest.mark.parametrize("page", ["/a\nb", "/a\r\nevent: b", "/\x00", "/\x7f"])
def test_a_control_character_is_refused_before_anything_is_sent(cloud, page):
    cloud, server = cloud
    with pytest.raises(WorkshopError, match="control character"):
        by_hand.send_beacon(cloud, "click", page, "me")
    assert journal() == [] and server.log.read_bytes() == b""
