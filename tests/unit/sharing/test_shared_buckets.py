"""A class in one account: each learner's file is in the learner's own code bucket."""

import json
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from helpers.core.module_progress import progress
from helpers.core.paths import REPOSITORY
from helpers.sharing.joining import join_class, leave_class
from helpers.sharing.shared_buckets import KEY, SharedBuckets
from helpers.sharing.steps import note_cleaned_up, note_passed
from helpers.teaching.class_page import class_progress

POLICY = REPOSITORY / "policy" / "class" / "instructor.json"


@pytest.fixture
def learners(emulator, own_home):
    """Two prefixes with code buckets; the buckets end with the test."""
    clouds = [replace(emulator, prefix=prefix, _clients={}) for prefix in ("tclann", "tclbob")]
    s3 = emulator.client("s3")
    for cloud in clouds:
        s3.create_bucket(Bucket=cloud.bucket("code"))
    yield clouds
    for cloud in clouds:
        s3.delete_object(Bucket=cloud.bucket("code"), Key=KEY)
        s3.delete_bucket(Bucket=cloud.bucket("code"))


def own(cloud) -> dict[str, str]:
    """Return the names of this test's learners by their prefix."""
    found = class_progress(cloud).learners
    return {each.key: each.name for each in found if each.key.startswith("tcl")}


def test_each_learner_writes_into_the_bucket_of_the_own_prefix(learners, capsys):
    ann, bob = learners
    assert own(ann) == {}  # a bucket without a file is a learner who has not joined
    join_class(ann, "Ada")
    join_class(bob, "Ada")  # the instructor sees each with the prefix
    note_passed(ann, "1-capture")
    assert own(bob) == {"tclann": "Ada", "tclbob": "Ada"}
    found = class_progress(ann)
    assert sum("1-capture" in each.steps for each in found.learners) == 1
    assert {"Ada (tcla)", "Ada (tclb)"} <= set(found.names)
    assert f"s3://{ann.bucket('code')}/{KEY}" in capsys.readouterr().out
    leave_class(ann)
    assert own(ann) == {"tclbob": "Ada"}


def test_the_file_is_deleted_with_its_bucket_and_a_clean_up_does_not_try_to_write_it(
    emulator, own_home, capsys
):
    cloud = replace(emulator, prefix="tclend", _clients={})
    join_class(cloud, "Ada")
    capsys.readouterr()
    note_cleaned_up(cloud)
    assert capsys.readouterr().out == "" and progress(cloud).passed["9-clean-up"]


def test_before_module_1_a_learner_joins_and_shares_with_the_next_step(emulator, own_home, capsys):
    cloud = replace(emulator, prefix="tclnew", _clients={})
    join_class(cloud, "Ada")
    printed = capsys.readouterr().out
    assert "Nothing is shared yet" in printed and "1-capture is not deployed" in printed
    note_passed(cloud, "0-start-here")
    assert capsys.readouterr().out.count("\n") == 1
    leave_class(cloud)
    assert "You have left" in capsys.readouterr().out


def test_a_file_that_is_denied_or_broken_is_named_with_its_bucket(learners):
    ann, bob = learners
    s3 = ann.client("s3")
    s3.put_object(Bucket=bob.bucket("code"), Key=KEY, Body=b"{")
    _, broken = SharedBuckets(ann).read_all()
    assert f"{bob.bucket('code')} (not JSON)" in broken
    with Stubber(s3) as stub:
        names = (ann.bucket("code"), ann.bucket("archive"), "a-code-of-another-team", "x")
        stub.add_response("list_buckets", {"Buckets": [{"Name": name} for name in names]})
        stub.add_client_error("get_object", "AccessDenied")
        assert SharedBuckets(ann).read_all() == ([], [f"{ann.bucket('code')} (AccessDenied)"])
        stub.add_client_error("delete_object", "AccessDenied")
        with pytest.raises(ClientError):
            SharedBuckets(ann).delete("")


def statements(path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["Statement"]


def test_the_instructors_policy_allows_one_key_of_each_code_bucket_and_no_more():
    found = {each["Action"]: each["Resource"] for each in statements(POLICY)}
    assert set(found) == {"s3:ListAllMyBuckets", "s3:GetObject", "s3:ListBucket"}
    pattern = found["s3:GetObject"].replace("${aws:PrincipalAccount}", "000000000000")
    bucket = "arn:aws:s3:::ann-code-000000000000-us-east-1"
    assert fnmatchcase(f"{bucket}/{KEY}", pattern)
    for other in (f"{bucket}/code/analytics-1.zip", f"{bucket.replace('code', 'archive')}/{KEY}",
                  f"{bucket.replace('000000000000', '111111111111')}/{KEY}"):  # fmt: skip
        assert not fnmatchcase(other, pattern)
    assert pattern.startswith(found["s3:ListBucket"].replace("${aws:PrincipalAccount}", "0" * 12))


def test_a_learners_own_policy_allows_to_share_and_to_leave():
    own = REPOSITORY / "policy" / "1-calls.json"
    name = f"arn:aws:s3:::rwa-code-000000000000-us-east-1/{KEY}"
    allowed = {
        action
        for each in statements(own)
        if isinstance(each["Resource"], list)
        and any(fnmatchcase(name, pattern) for pattern in each["Resource"])
        for action in each["Action"]
    }
    assert {"s3:PutObject", "s3:GetObject", "s3:DeleteObject"} <= allowed
