"""checkov, a security linter, over the templates and the policies: each finding is explained.

It is no package of ours: it asks for boto3 1.35.49 and packaging below 24, which JupyterLab's
kernel and our own boto3 rule out. uv runs it in an environment of its own (200 MB, kept by uv).
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.core.paths import REPOSITORY
from tests.template_files import policies_as_template

CHECKOV = "checkov==3.3.30"
# check -> the resources it complains of, and why that is as it should be.
EXPLAINED = {
    "CKV_AWS_2": (  # listener by HTTPS
        {"Listener"},
        "a certificate wants a domain, which a learner need not have; beacons carry no secret, and "
        "only the learner's own address may send them",
    ),
    "CKV_AWS_103": ({"Listener"}, "as CKV_AWS_2: no HTTPS, no version of TLS"),
    "CKV_AWS_91": (  # load balancer's access log
        {"Balancer"},
        "would be a third bucket; the servers' own log of every request is what is archived",
    ),
    "CKV_AWS_131": (  # load balancer drops invalid headers
        {"Balancer"},
        "the load balancer would drop headers with an underscore, e.g. custom_metric_name",
    ),
    "CKV_AWS_18": (  # bucket access logging
        {"ArchiveBucket", "CodeBucket"},
        "an access log would be a third bucket that costs and must be emptied; CloudTrail has the "
        "calls that matter",
    ),
    "CKV_AWS_21": (  # bucket versioning
        {"ArchiveBucket", "CodeBucket"},
        "objects are written once: a zip's key is its hash, and Firehose never writes a key again",
    ),
    "CKV_AWS_27": (  # queue encrypted: checkov looks for a KMS key only
        {"Inbox", "ProcessMetricsFailures", "PublishMetricsFailures"},
        "encrypted by SQS itself (SqsManagedSseEnabled), which costs nothing",
    ),
    "CKV_AWS_28": (  # point-in-time recovery
        {"CatalogTable", "DetailsTable", "PublishedTable"},
        "every row can be computed again from the archive",
    ),
    "CKV_AWS_115": (  # reserved concurrency
        {"ExpiryFunction", "ProcessMetricsFunction", "PublishMetricsFunction"},
        "a shard has one batch under way: concurrency is bounded by the shards; a new account has "
        "too few executions to reserve any",
    ),
    "CKV_AWS_116": (  # dead letter queue of the function
        {"ExpiryFunction", "ProcessMetricsFunction", "PublishMetricsFunction"},
        "that is for asynchronous calls; an event source has OnFailure, which both set",
    ),
    "CKV_AWS_117": (  # function in a VPC
        {"ExpiryFunction", "ProcessMetricsFunction", "PublishMetricsFunction"},
        "it calls public AWS APIs only; a VPC would need endpoints that cost more than all else",
    ),
    "CKV_AWS_119": (  # table encrypted with a customer's key
        {"CatalogTable", "DetailsTable", "PublishedTable"},
        "encrypted with DynamoDB's own key; a customer's costs $1 a month and guards no better "
        "here",
    ),
    "CKV_AWS_158": (  # log group encrypted with a customer's key
        {"AnalyticsLogGroup", "ArchiveLogGroup", "ExpiryLogGroup", "ProcessMetricsLogGroup",
         "PublishMetricsLogGroup"},
        "encrypted by CloudWatch Logs itself; no visitor's data is logged, for 7 days",
    ),
    "CKV_AWS_173": (  # function's environment encrypted with a customer's key
        {"ExpiryFunction", "ProcessMetricsFunction", "PublishMetricsFunction"},
        "names of tables, no secrets; encrypted with Lambda's own key",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def findings(tmp_path_factory) -> set[tuple[str, str]]:
    """What checkov complains of: (check, resource)."""
    uv = Path(sys.executable).with_name("uv")
    run = [uv, "tool", "run", "--quiet", "--python", sys.executable, "--from", CHECKOV, "checkov"]
    there = subprocess.run([*run, "--version"], capture_output=True, text=True)
    if there.returncode:
        pytest.skip(f"checkov can't be fetched: {there.stderr.strip()[-200:]}")
    folder = tmp_path_factory.mktemp("checkov")
    shutil.copytree(REPOSITORY / "cfn", folder / "cfn")
    policies_as_template(folder)
    options = ["--framework", "cloudformation", "--compact", "--skip-download", "-o", "json"]
    ended = subprocess.run([*run, "-d", folder, *options], capture_output=True, text=True)
    results = json.loads(ended.stdout)
    assert results["summary"]["passed"] > 70 and results["summary"]["parsing_errors"] == 0
    return {
        (found["check_id"], found["resource"].rsplit(".", 1)[1])
        for found in results["results"]["failed_checks"]
    }


def test_every_finding_is_explained_and_every_explanation_is_of_a_finding(findings):
    assert findings == {(check, name) for check, (names, _) in EXPLAINED.items() for name in names}
