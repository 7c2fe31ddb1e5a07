"""CloudFormation: a faster parser, and what it leaves out of tables and load balancers.

The parser: PyYAML's own in C needs a tenth of the time. A deployment of the four modules reads each
template about four times.

Tables: MiniStack has time to live, with a thread that deletes expired items, but its CloudFormation
ignores TimeToLiveSpecification: DescribeTimeToLive returns DISABLED. It also keeps a capacity that
comes from a parameter as text, so boto3 would return text.

Load balancers: on AWS, "DNSName" is a public name that leads to the load balancer. MiniStack
returns a name of the same form, which belongs to Amazon, and serves nothing there: a health check
of the beacon servers would query the real DNS for it. Here it is an address without a listener. The
fleet controller replaces the URL that the template makes of it by that of its servers.
"""

from collections.abc import Callable

import yaml
from ministack.services import alb, dynamodb
from ministack.services.cloudformation import engine, provisioners

NO_LISTENER = "127.0.0.1:1"  # a port below 1024 that no current service uses
_RULES = ("yaml_constructors", "yaml_multi_constructors", "yaml_implicit_resolvers")
Create = Callable[[str, dict, str], tuple]  # logical id, properties, stack -> name, attributes


def apply() -> None:
    """Replace the parser, and the functions that create tables and load balancers."""
    use_parser_in_c()
    _replace_create("AWS::DynamoDB::Table", _with_time_to_live)
    _replace_create("AWS::ElasticLoadBalancingV2::LoadBalancer", _without_listener)


def use_parser_in_c() -> None:
    """Replace the emulator's parser; its rules for `!Ref`, `!Sub` and so on stay."""
    if yaml.__with_libyaml__:
        rules = {name: getattr(engine.CfnLoader, name) for name in _RULES}
        engine.CfnLoader = type("CfnLoader", (yaml.CSafeLoader,), rules)


def _replace_create(resource: str, wrap: Callable[[Create], Create]) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[resource]
    handlers["create"] = wrap(handlers["create"])


def _with_time_to_live(create: Create) -> Create:
    def create_table(logical_id: str, properties: dict, stack: str) -> tuple:
        if capacity := properties.get("ProvisionedThroughput"):
            units = {name: int(count) for name, count in capacity.items()}
            properties = {**properties, "ProvisionedThroughput": units}
        name, attributes = create(logical_id, properties, stack)
        if specification := properties.get("TimeToLiveSpecification"):
            enabled = str(specification.get("Enabled")).lower() == "true"
            specification = {**specification, "Enabled": enabled}
            dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": specification})
        return name, attributes

    return create_table


def _without_listener(create: Create) -> Create:
    def create_load_balancer(logical_id: str, properties: dict, stack: str) -> tuple:
        arn, attributes = create(logical_id, properties, stack)
        alb._lbs[arn]["DNSName"] = NO_LISTENER
        return arn, attributes | {"DNSName": NO_LISTENER}

    return create_load_balancer
