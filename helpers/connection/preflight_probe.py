"""The clients with which a preflight asks AWS: each call ends soon, whatever the network does."""

from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config

from helpers.core.cloud import Cloud

from .region import SERVICES

# AWS answers these calls within a second. A call is tried twice, so it ends within 20 s.
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 6, 2
_CONFIG = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    max_pool_connections=20,
)
# Quotas of services without regions are those of one region of each partition:
# https://docs.aws.amazon.com/servicequotas/latest/userguide/intro.html
_HOME_REGIONS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1"}


@dataclass(frozen=True)
class Probe:
    """A cloud, and clients of its services that give up early.

    Args:
        cloud: the target.
        arn: of the caller; empty if AWS refused the credentials.
    """

    cloud: Cloud
    arn: str = ""
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def create_clients(self) -> None:
        """Create all clients: boto3 can't do that in several threads at once."""
        session, endpoint = self.cloud.session, self.cloud.endpoint
        for service in [*SERVICES, "iam", "sts", "service-quotas"]:
            made = session.client(service, endpoint_url=endpoint, config=_CONFIG)
            self._clients[service] = made
        home = _HOME_REGIONS.get(self.cloud.partition, self.cloud.region)
        self._clients["home"] = session.client(
            "service-quotas", region_name=home, endpoint_url=endpoint, config=_CONFIG
        )

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        """Return the client of a service, by boto3's name."""
        return self._clients[service]

    def quotas_at_home(self, _: str = "service-quotas") -> Any:  # noqa: ANN401 - as above
        """Return the client of Service Quotas for services without regions, e.g. S3."""
        return self._clients["home"]
