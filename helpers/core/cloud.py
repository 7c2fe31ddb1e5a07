"""A `Cloud` is where the workshop runs: a session, a region, and the names of its resources.

Helpers and notebooks call AWS through a `Cloud`, whichever target it is: the only difference
between an AWS account and the local target is the endpoint.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from .call_meter import CallMeter, Reading
from .environment import child_environment

NAMESPACE = "RealtimeWebAnalytics"

# botocore retries ("standard" backs off with jitter); cells and the live charts share the pool.
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=20)

# Settings of the network between this machine and AWS -> botocore's names for them.
_NETWORK = {
    "AWS_CA_BUNDLE": "ca_bundle",
    "AWS_USE_FIPS_ENDPOINT": "use_fips_endpoint",
    "AWS_USE_DUALSTACK_ENDPOINT": "use_dualstack_endpoint",
}


@dataclass(frozen=True)
class Cloud:
    """An AWS account (or the local target), a region, and a prefix for every name.

    Args:
        session: the boto3 session whose credentials and region are used.
        account: the account's 12 digits.
        prefix: the first part of every resource's name, e.g. `rwa`.
        endpoint: URL of the emulator, or None for AWS.
        extras: further files of a zip of code: its name -> a function that returns their folder,
            e.g. `{"analytics": flink_dependencies.dependencies}`.
        parameters: defaults for a new stack's parameters: module -> a function that returns them
            and takes the given ones, e.g. `{"1-frontend": public_ip.frontend_parameters}`.
        meter: returns since when the target has counted calls (epoch seconds), and its counts;
            None: only this process counts its own.
    """

    session: boto3.Session
    account: str
    prefix: str = "rwa"
    endpoint: str | None = None
    extras: Mapping[str, Callable[[], Path]] = field(
        default_factory=dict, repr=False, compare=False
    )
    parameters: Mapping[str, Callable[[Mapping[str, str]], dict[str, str]]] = field(
        default_factory=dict, repr=False, compare=False
    )
    meter: Callable[[], tuple[float, list[Reading]]] | None = field(
        default=None, repr=False, compare=False
    )
    _calls: CallMeter = field(default_factory=CallMeter, repr=False, compare=False)
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def region(self) -> str:
        """The region's name, e.g. `us-east-1`."""
        return self.session.region_name

    @property
    def partition(self) -> str:
        """The region's partition, the second part of every ARN: `aws`, `aws-cn`, `aws-us-gov`."""
        return self.session.get_partition_for_region(self.region)

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        """Return the boto3 client of a service; the same one each time.

        Args:
            service: its name in boto3, e.g. `"kinesis"`.

        Example:
            `cloud.client("kinesis").list_streams()["StreamNames"]`
        """
        if service not in self._clients:
            client = self.session.client(service, endpoint_url=self.endpoint, config=_CONFIG)
            self.watch(client)
            self._clients[service] = client
        return self._clients[service]

    def watch(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
        """Count the calls of a boto3 client that `client` did not make, too.

        Example:
            `cloud.watch(cloud.session.client("cloudwatch", config=own))`
        """
        self._calls.watch(client)

    def counted_calls(self) -> tuple[float, list[Reading]]:
        """Return since when calls are counted (epoch seconds), and the counts by caller.

        The local target counts those of all its parts; on AWS this process counts its own.

        Example:
            `cloud.counted_calls()[1][0].caller` -> `"1-capture.deploy"`
        """
        return self.meter() if self.meter else (self._calls.since, self._calls.readings())

    @property
    def identity(self) -> str:
        """Account, region and prefix, for the name of a file that belongs to this cloud only.

        Example:
            `cloud.identity` -> `"000000000000-us-east-1-rwa"`
        """
        return f"{self.account}-{self.region}-{self.prefix}"

    def name(self, what: str) -> str:
        """Return a resource's full name, e.g. `rwa-clicks` for `"clicks"`."""
        return f"{self.prefix}-{what}"

    def bucket(self, what: str) -> str:
        """Return a bucket's name; it contains account and region, to be unique worldwide.

        Example:
            `cloud.bucket("archive")` -> `rwa-archive-000000000000-us-east-1`
        """
        return f"{self.prefix}-{what}-{self.account}-{self.region}"

    def child_environment(self) -> dict[str, str]:
        """Return environment variables with which a child process reaches the same cloud.

        They contain the credentials; of the AWS settings in the shell and in files, only those of
        the network are passed on.
        """
        credentials = self.session.get_credentials().get_frozen_credentials()
        values = {
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_SESSION_TOKEN": credentials.token,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
        }
        if self.endpoint is None:
            setting = self.session._session.get_config_variable
            settings = {variable: setting(name) for variable, name in _NETWORK.items()}
            values |= {name: "true" if value is True else value for name, value in settings.items()}
        return child_environment(values)
