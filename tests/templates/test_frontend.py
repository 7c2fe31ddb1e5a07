"""The front end: its network rules, a server's start, and its signal to CloudFormation."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.deployment.fleet import fleet_size
from helpers.deployment.stacks import outputs
from tests.template_files import read_template

TEMPLATE = read_template("1-frontend")
PARAMETERS, RESOURCES = TEMPLATE["Parameters"], TEMPLATE["Resources"]
ASKED: list[dict] = []


def as_on_aws(given) -> dict[str, str]:
    ASKED.append(dict(given))
    return {"SmallestFleet": "2", "FleetSize": "2", "BeaconSourceCIDR": "203.0.113.9/32"}


@pytest.fixture(scope="module")
def cloud(emulator) -> Cloud:
    """The front end under a prefix of our own, with the parameters that a Cloud on AWS brings."""
    own = {"prefix": "front", "parameters": {"1-frontend": as_on_aws}}
    cloud = Cloud(emulator.session, emulator.account, endpoint=emulator.endpoint, **own)
    deploy(cloud, "1-capture")
    deploy(cloud, "1-frontend", RequestsPerServer=600)
    yield cloud
    destroy(cloud)


def group(cloud) -> dict:
    found = cloud.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[cloud.name("fleet")]
    )
    return found["AutoScalingGroups"][0]


def security_group(cloud, name: str) -> dict:
    wanted = [{"Name": "tag:Name", "Values": [cloud.name(name)]}]
    (found,) = cloud.client("ec2").describe_security_groups(Filters=wanted)["SecurityGroups"]
    return found


def test_the_network_comes_with_it_in_two_zones(cloud):
    network = outputs(cloud, "1-network")
    subnets = cloud.client("ec2").describe_subnets(
        SubnetIds=[network["SubnetA"], network["SubnetB"]]
    )["Subnets"]
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 2
    assert {subnet["VpcId"] for subnet in subnets} == {network["Network"]}
    balancers = cloud.client("elbv2").describe_load_balancers(Names=[cloud.name("fleet")])
    assert len(balancers["LoadBalancers"]) == 1
    zones = group(cloud)["VPCZoneIdentifier"].split(",")
    assert sorted(zones) == sorted(subnet["SubnetId"] for subnet in subnets)


def test_beacons_come_from_the_learner_alone_and_reach_servers_through_the_balancer_alone(cloud):
    balancer, fleet = (security_group(cloud, name) for name in ("balancer", "fleet"))
    (beacons,) = balancer["IpPermissions"]
    assert (beacons["FromPort"], beacons["ToPort"]) == (80, 80)
    assert [entry["CidrIp"] for entry in beacons["IpRanges"]] == ["203.0.113.9/32"]
    (passed_on,) = fleet["IpPermissions"]
    assert (passed_on["FromPort"], passed_on["ToPort"]) == (80, 80)
    sources = [pair["GroupId"] for pair in passed_on["UserIdGroupPairs"]]
    assert sources == [balancer["GroupId"]] and not passed_on.get("IpRanges")


def test_nothing_leaves_but_beacons_to_the_servers_and_https():
    for name, port in (("BalancerGroup", 80), ("FleetGroup", 443)):
        (rule,) = RESOURCES[name]["Properties"]["SecurityGroupEgress"]
        assert rule["FromPort"] == rule["ToPort"] == port


@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        *[(text, True) for text in ("203.0.113.9/32", "10.0.0.0/8", "0.0.0.0/0")],
        *[(f"203.0.113.9{end}", False) for end in ("", "/0", "/33", "/32,0.0.0.0/0")],
    ],
)
def test_the_source_is_a_network_and_by_default_allows_no_client(text, is_taken):
    assert PARAMETERS["BeaconSourceCIDR"]["Default"] == "127.0.0.1/32"  # no client on AWS
    assert bool(re.fullmatch(PARAMETERS["BeaconSourceCIDR"]["AllowedPattern"], text)) is is_taken


def test_what_the_cloud_brings_counts_for_a_new_stack_only(cloud, capsys):
    assert ASKED == [{"RequestsPerServer": "600"}]
    deploy(cloud, "1-frontend")
    assert "up to date" in capsys.readouterr().out and len(ASKED) == 1
    bounds = group(cloud)
    assert (bounds["MinSize"], bounds["DesiredCapacity"], bounds["MaxSize"]) == (2, 2, 6)


def test_the_fleet_keeps_to_the_groups_own_bounds(cloud):
    with pytest.raises(WorkshopError, match="from 2 to 6"):
        fleet_size(cloud, 1)
    fleet_size(cloud, 5)
    assert group(cloud)["DesiredCapacity"] == 5
    fleet_size(cloud, 2)


def test_it_scales_by_requests_for_each_server(cloud):
    (policy,) = cloud.client("autoscaling").describe_policies(
        AutoScalingGroupName=cloud.name("fleet")
    )["ScalingPolicies"]
    tracking = policy["TargetTrackingConfiguration"]
    assert tracking["TargetValue"] == 600
    metric = tracking["PredefinedMetricSpecification"]
    assert metric["PredefinedMetricType"] == "ALBRequestCountPerTarget"
    # AWS gives app/NAME/ID and targetgroup/NAME/ID; the emulator leaves out "targetgroup/".
    label = RESOURCES["Scaling"]["Properties"]["TargetTrackingConfiguration"]
    assert label["PredefinedMetricSpecification"]["ResourceLabel"] == {
        "Fn::Sub": "${Balancer.LoadBalancerFullName}/${Servers.TargetGroupFullName}"
    }
    elb = cloud.client("elbv2")
    (servers,) = elb.describe_target_groups(Names=[cloud.name("fleet")])["TargetGroups"]
    assert (servers["Port"], servers["HealthCheckPath"]) == (80, "/health")


def test_the_balancer_lets_every_header_of_a_beacon_pass():
    """It drops headers with an underscore if asked to; ours have them."""
    httpd = (REPOSITORY / "assets" / "fleet" / "httpd.conf").read_text()
    assert "%{custom_metric_name}i" in httpd
    (attribute,) = RESOURCES["Balancer"]["Properties"]["LoadBalancerAttributes"]
    assert attribute["Key"] == "routing.http.drop_invalid_header_fields.enabled"
    assert attribute["Value"] == "false"


def launch_data(cloud) -> dict:
    (version,) = cloud.client("ec2").describe_launch_template_versions(
        LaunchTemplateName=cloud.name("fleet"), Versions=["$Latest"]
    )["LaunchTemplateVersions"]
    return version["LaunchTemplateData"]


def test_a_server_is_amazon_linux_2023_for_arm_with_imdsv2_and_an_encrypted_disk():
    data = RESOURCES["FleetTemplate"]["Properties"]["LaunchTemplateData"]
    assert re.fullmatch(r"resolve:ssm:/aws/service/\S+/al2023-ami-\S+-arm64", data["ImageId"])
    for kind in PARAMETERS["InstanceType"]["AllowedValues"]:
        assert re.match(r"[a-z]\d+g\.", kind), f"{kind} is not Arm"
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert "KeyName" not in data


def test_a_server_may_read_its_three_zips_and_put_to_the_clicks_stream_and_no_more(cloud):
    policy = cloud.client("iam").get_role_policy(
        RoleName=f"front-fleet-{cloud.region}", PolicyName="serve-beacons"
    )["PolicyDocument"]
    statements = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert set(statements) == {"WriteClicks", "FetchItsCode", "SessionManager",
                               "SessionManagerFindsIt"}  # fmt: skip
    assert statements["WriteClicks"]["Action"] == "kinesis:PutRecords"
    assert statements["WriteClicks"]["Resource"].endswith(":stream/front-clicks")
    fetched = statements["FetchItsCode"]
    assert fetched["Action"] == "s3:GetObject" and len(fetched["Resource"]) == 3
    for arn in fetched["Resource"]:
        bucket, _, key = arn.removeprefix("arn:aws:s3:::").partition("/")
        assert bucket == cloud.bucket("code")
        cloud.client("s3").head_object(Bucket=bucket, Key=key)
    attached = cloud.client("iam").list_attached_role_policies(
        RoleName=f"front-fleet-{cloud.region}"
    )["AttachedPolicies"]
    assert attached == []


def test_each_parameter_is_in_one_group_of_the_console():
    interface = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    shown = [name for part in interface["ParameterGroups"] for name in part["Parameters"]]
    assert sorted(shown) == sorted(PARAMETERS)
    assert set(interface["ParameterLabels"]) < set(PARAMETERS)


def test_a_server_has_as_long_for_its_set_up_as_cloudformation_waits():
    fleet = RESOURCES["Fleet"]
    signal = fleet["CreationPolicy"]["ResourceSignal"]
    rolling = fleet["UpdatePolicy"]["AutoScalingRollingUpdate"]
    assert signal["Count"] == {"Ref": "FleetSize"}
    assert signal["Timeout"] == rolling["PauseTime"] == "PT15M"
    assert rolling["WaitOnResourceSignals"] is True
    assert fleet["Properties"]["HealthCheckGracePeriod"] == 15 * 60
    script = json.dumps(RESOURCES["FleetTemplate"]["Properties"]["LaunchTemplateData"]["UserData"])
    assert int(re.search(r"timeout (\d+) bash", script)[1]) < 15 * 60
    kept = fleet["UpdatePolicy"]["AutoScalingScheduledAction"]
    assert kept == {"IgnoreUnmodifiedGroupSizeProperties": True}


AWS = """#!{python}
import sys, boto3
s3, copy, *options, source, target = sys.argv[1:]
assert (s3, copy) == ("s3", "cp") and source.startswith("s3://"), sys.argv
bucket, _, key = source.removeprefix("s3://").partition("/")
client = boto3.client("s3", region_name=options[1])
client.download_file(bucket, key, target)
"""
SIGNAL = '#!/bin/bash\nprintf "%s\\n" "$@" > "{file}"\n'


@pytest.fixture
def boot(cloud, tmp_path):
    """Runs the user data with the emulator's zips; returns the arguments of its signal."""
    stubs, signal, home = tmp_path / "stubs", tmp_path / "signal", tmp_path / "beacon"
    stubs.mkdir()
    script = base64.b64decode(launch_data(cloud)["UserData"]).decode()
    assert len(script) < 16 * 1024 and script.startswith("#!/bin/bash\n")
    (tmp_path / "user-data").write_text(script.replace("/opt/beacon", str(home)))

    def stub(name: str, text: str) -> None:
        (stubs / name).write_text(text)
        (stubs / name).chmod(0o755)

    stub("aws", AWS.format(python=sys.executable))
    stub("cfn-signal", SIGNAL.format(file=signal))

    def run(setup: str = "", **failing: str) -> tuple[int, dict[str, str], Path]:
        if setup:
            # The real set-up needs a server to set up: the last word of the script is replaced.
            failing["timeout"] = f"#!/bin/bash\n{setup}\n"
        for name, text in failing.items():
            stub(name, text)
        environment = cloud.child_environment() | {"PATH": f"{stubs}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", tmp_path / "user-data"], env=environment)
        words = signal.read_text().splitlines()
        return done.returncode, dict(zip(words[::2], words[1::2], strict=True)), home

    return run


def test_the_user_data_is_clean(cloud, tmp_path):
    script = tmp_path / "user-data.sh"
    script.write_bytes(base64.b64decode(launch_data(cloud)["UserData"]))
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    try:
        done = subprocess.run(["shellcheck", script], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("shellcheck is not here")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_server_fetches_what_it_runs_and_tells_that_it_is_up(cloud, boot):
    code, signal, home = boot('echo "$@" > "$(dirname "$0")/called"')
    assert code == 0
    assert signal["--exit-code"] == "0"
    assert (signal["--stack"], signal["--resource"]) == ("front-1-frontend", "Fleet")
    assert signal["--region"] == cloud.region
    called = (home.parent / "stubs" / "called").read_text().split()
    assert called == ["720", "bash", f"{home}/fleet/setup.sh", "front-clicks", cloud.region,
                      "10.0.0.0/16", "short"]  # fmt: skip
    for name in ("fleet/setup.sh", "fleet/httpd.conf", "fleet/beacon-agent.service",
                 "fleet/logrotate.conf", "fleet/forget_shipped.py", "agent/agent.py",
                 "agent/requirements.txt"):  # fmt: skip
        assert (home / name).read_bytes() == (REPOSITORY / "assets" / name).read_bytes()


@pytest.mark.parametrize(
    ("setup", "failing", "code", "reason"),
    [
        ("echo 'Not within 30 s: Apache answers'; exit 1", {}, "1", "Not within 30 s: Apache"),
        ("exit 124", {}, "124", "see .*/setup.log"),
        ("", {"aws": "#!/bin/bash\necho 'Access Denied'; exit 255\n"}, "255", "Access Denied"),
        # The real set-up, from the real zip: this machine has no dnf, or none that works.
        ("", {"dnf": "#!/bin/bash\nexit 3\n"}, "3", "setup.sh failed in line [0-9]+: dnf install"),
    ],
    ids=["set-up fails", "set-up hangs", "no zip", "no packages"],
)
def test_a_server_that_fails_tells_so_and_why(boot, setup, failing, code, reason):
    ended, signal, _ = boot(setup, **failing)
    assert ended != 0 and signal["--exit-code"] == code
    assert re.match(reason, signal["--reason"]), signal
