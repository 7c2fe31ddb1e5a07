"""What a class needs in one account: counted in the templates, and compared with a second count."""

from collections import Counter

import pytest

from helpers.connection.preflight_class import check_learners, closing_line, default_lines
from helpers.connection.preflight_report import State
from helpers.core.errors import WorkshopError
from helpers.deployment.class_quotas import QUOTAS, largest_fleets, not_created, resources
from helpers.deployment.quotas import LARGEST_FLEET, VCPUS
from helpers.planning.prices import EVERYTHING
from helpers.teaching.__main__ import quotas_of
from tests.template_files import TEMPLATES, read_template

NEEDED = {each.what: each.needed(30) for each in QUOTAS}


def parsed() -> list[dict]:
    return [each for path in TEMPLATES for each in read_template(path)["Resources"].values()]


def test_the_count_is_that_of_cloudformations_own_reader():
    assert resources() == Counter(each["Type"] for each in parsed())


def test_thirty_learners_need_what_thirty_times_the_templates_create():
    assert NEEDED == {
        "networks (VPCs)": 30,
        "internet gateways": 30,
        "vCPUs of servers": 120,
        "load balancers": 30,
        "fleets (Auto Scaling groups)": 30,
        "shards of streams": 60,
        "Flink applications": 30,
        "functions that run at once": 90,
        "tables": 90,
        "CloudWatch alarms": 390,
        "stacks": 180,
        "buckets": 60,
        "roles": 210,
    }
    (group,) = [each for each in parsed() if each["Type"] == "AWS::AutoScaling::AutoScalingGroup"]
    assert int(group["Properties"]["MaxSize"]) == LARGEST_FLEET and largest_fleets(30) == 360
    streams = resources()["AWS::Kinesis::Stream"]
    assert streams == EVERYTHING["shard"]  # of one shard each


def test_every_quota_has_a_source_and_a_place_for_a_request():
    assert len({each.code for each in QUOTAS if each.code[1]}) == 10
    assert all(each.default > 0 and ", " in each.console for each in QUOTAS)
    assert not_created() == "The templates create no Elastic IP address and no NAT gateway."


def test_with_the_defaults_networks_gateways_and_servers_are_too_few(capsys):
    report = quotas_of(30)
    failed = [line.text.split(":")[0] for line in report.of(State.FAILURE)]
    assert failed == ["networks (VPCs)", "internet gateways", "vCPUs of servers"]
    assert all("Request" in line.remedy for line in report.of(State.FAILURE))
    assert "AWS's default" in report.lines[0].text and "no account" in capsys.readouterr().out
    assert len(report.lines) == len(QUOTAS) + 1


def test_one_learner_fits_but_for_the_largest_fleet():
    states = [line.state for line in default_lines(1)]
    place = [each.code for each in QUOTAS].index(VCPUS)
    assert states[place] is State.WARNING and states.count(State.OK) == len(states) - 1
    assert "1 for 1 learner;" in default_lines(1)[0].text
    assert "no NAT gateway" in closing_line().text


@pytest.mark.parametrize("learners", [0, -1, 1001, 2.5, "30", None, True])
def test_other_numbers_of_learners_are_refused(learners):
    with pytest.raises(WorkshopError, match="learners can't be"):
        check_learners(learners)
    with pytest.raises(WorkshopError):
        quotas_of(learners)
