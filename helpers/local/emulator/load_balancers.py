"""Load balancers: one made by a template has an address where nobody listens.

AWS: "DNSName" is a public name that leads to the load balancer. MiniStack gives a name of the same
form, which belongs to Amazon, and serves nothing at it: who looked whether the beacon servers are
there would ask the real DNS about it. The fleet controller writes its servers' URL over the one
that the template makes of this address.
"""

from ministack.services import alb
from ministack.services.cloudformation import provisioners

_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
NOWHERE = "127.0.0.1:1"  # a port below 1024 that no service of today uses


def apply() -> None:
    """Give the address to each load balancer that CloudFormation creates."""
    handlers = provisioners._RESOURCE_HANDLERS[_BALANCER]
    create = handlers["create"]

    def create_nowhere(logical_id: str, properties: dict, stack: str) -> tuple:
        arn, attributes = create(logical_id, properties, stack)
        alb._lbs[arn]["DNSName"] = NOWHERE
        return arn, attributes | {"DNSName": NOWHERE}

    handlers["create"] = create_nowhere
