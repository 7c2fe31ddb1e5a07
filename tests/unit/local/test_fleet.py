"""The fleet controller starts servers with what the group's tags contain."""

import pytest

from helpers.local import fleet


class Server:
    """Records how it was started, and whether it was ended."""

    made: list["Server"] = []

    def __init__(self, name, folder, port, stream, addresses):
        self.options, self.ended = (name, port, stream, addresses), False
        self.made.append(self)

    def age(self):
        return 0

    def is_busy(self):
        return False

    def keep_alive(self):
        assert not self.ended

    def end(self):
        self.ended = True


class Group:
    """A client of Auto Scaling with one group, whose tags a test changes."""

    def __init__(self, **tags):
        self.tags = tags

    def get_paginator(self, _):
        return self

    def paginate(self):
        tags = {"workshop": "realtime-web-analytics", "clicks-stream": "rwa-clicks"} | self.tags
        named = [{"Key": name, "Value": value} for name, value in tags.items()]
        group = {"AutoScalingGroupName": "rwa-fleet", "DesiredCapacity": 1, "Tags": named}
        return [{"AutoScalingGroups": [group]}]


@pytest.fixture
def step(monkeypatch, own_home):
    monkeypatch.setattr(fleet, "Server", Server)
    monkeypatch.setattr(fleet, "announce", lambda *_: None)
    monkeypatch.setattr(fleet, "_port", lambda group: 8080)
    monkeypatch.setattr(Server, "made", [])
    fleets: dict = {}
    return lambda group: fleet._step(fleets, group, None)


def test_servers_shorten_addresses_unless_the_group_keeps_them(step):
    for tags in ({}, {"addresses": "short"}):
        step(Group(**tags))
    assert [each.options for each in Server.made] == [("rwa-fleet-1", 8080, "rwa-clicks", "short")]


def test_a_change_replaces_the_servers(step):
    for addresses in ("short", "whole", "whole"):
        step(Group(addresses=addresses))
    assert [each.options[3] for each in Server.made] == ["short", "whole"]
    assert [each.ended for each in Server.made] == [True, False]
