"""A `Cloud` is where the workshop runs: a session, a region, and the names of its resources.

Helpers and notebooks take a `Cloud` and call AWS through it. None of them asks which target it is:
the difference between a real account and this machine is an endpoint, and it stays in here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from .environment import child_environment

NAMESPACE = "RealtimeWebAnalytics"

# Retries are botocore's own ("standard" backs off with jitter); the pool serves the live charts'
# thread and the busy cell at once.
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=20)

# How AWS itself is reached from here, by botocore's names for it.
_NETWORK = {
    "AWS_CA_BUNDLE": "ca_bundle",
    "AWS_USE_FIPS_ENDPOINT": "use_fips_endpoint",
    "AWS_USE_DUALSTACK_ENDPOINT": "use_dualstack_endpoint",
}


@dataclass(frozen=True)
class Cloud:
    """An account (or its stand-in on this machine), a region, and a prefix for every name.

    Args:
        session: the boto3 session whose credentials and region are used.
        account: the account's 12 digits.
        prefix: what every name of this workshop begins with, e.g. `rwa`.
        endpoint: URL that answers for AWS, or None for AWS itself.
        extras: what a zip of code needs beside our code where it runs: name of the zip -> what
            returns the folder of those files, e.g. `{"analytics": managed_flink.dependencies}`.
        parameters: what a new stack is given where the learner says nothing: module -> what
            returns its parameters, told those that are given,
            e.g. `{"1-frontend": address.frontend_parameters}`.
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
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def region(self) -> str:
        """The region's name, e.g. `us-east-1`."""
        return self.session.region_name

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        """Return the boto3 client of a service; the same one each time.

        Args:
            service: boto3's name for it, e.g. `"kinesis"`.

        Example:
            `cloud.client("kinesis").list_streams()["StreamNames"]`
        """
        if service not in self._clients:
            self._clients[service] = self.session.client(
                service, endpoint_url=self.endpoint, config=_CONFIG
            )
        return self._clients[service]

    def name(self, what: str) -> str:
        """Return a resource's full name, e.g. `rwa-clicks` for `"clicks"`."""
        return f"{self.prefix}-{what}"

    def bucket(self, what: str) -> str:
        """Return a bucket's name, which must be unique in the world: account and region are in it.

        Example:
            `cloud.bucket("archive")` -> `rwa-archive-000000000000-us-east-1`
        """
        return f"{self.prefix}-{what}-{self.account}-{self.region}"

    def child_environment(self) -> dict[str, str]:
        """Return environment variables with which a child process reaches the same cloud.

        The credentials are explicit; of what the shell, a profile or a file says of AWS, the child
        sees nothing but what a company's network needs.
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
            told = self.session._session.get_config_variable
            found = {variable: told(name) for variable, name in _NETWORK.items()}
            values |= {name: "true" if value is True else value for name, value in found.items()}
        return child_environment(values)
