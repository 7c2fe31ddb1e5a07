"""Application Auto Scaling of DynamoDB tables, which MiniStack does not have: recorded, not done.

CloudFormation creates, updates and deletes scalable targets and scaling policies here, and their
Describe calls return them. Nothing is scaled: the emulator's tables take every rate, whatever their
capacity. As on AWS, a target needs its table and a policy its target, and a target's policies are
deleted with it.

https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import ministack.app
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from .exchange import App, Exchange, Receive, Send
from .settings import ACCOUNT, REGION

API = "AnyScaleFrontendService"
DIMENSIONS = {"dynamodb:table:ReadCapacityUnits", "dynamodb:table:WriteCapacityUnits"}
_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
)
Created = tuple[str, dict[str, str]]  # what Ref and what GetAtt return


@dataclass
class Scaling:
    """The targets by CloudFormation's Ref of them, and the policies by their ARN."""

    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put_target(self, logical_id: str, properties: dict, stack: str) -> Created:
        """Register a target, or change its limits."""
        least, most = (int(properties[name]) for name in ("MinCapacity", "MaxCapacity"))
        resource, dimension = properties["ResourceId"], properties["ScalableDimension"]
        service = properties["ServiceNamespace"]
        if service != "dynamodb" or dimension not in DIMENSIONS:
            raise ValueError(f"Unsupported service namespace, resource type or scalable dimension: "
                             f"{service}, {dimension}")  # fmt: skip
        if resource.removeprefix("table/") not in dynamodb._tables:
            raise ValueError(f"DynamoDB table does not exist: {resource}")
        if least > most:
            raise ValueError("Maximum capacity cannot be less than minimum capacity")
        name = f"{resource}|{dimension}|{service}"
        self.targets[name] = {
            "ServiceNamespace": service,
            "ResourceId": resource,
            "ScalableDimension": dimension,
            "MinCapacity": least,
            "MaxCapacity": most,
            "RoleARN": _ROLE,
            "CreationTime": time.time(),
        }
        return name, {"Id": name}

    def put_policy(self, logical_id: str, properties: dict, stack: str) -> Created:
        """Create a policy, or replace the one of the same name and target."""
        target = self.targets.get(properties.get("ScalingTargetId", ""))
        if target is None:
            raise ValueError(f"No scalable target registered for {properties}")
        name = properties["PolicyName"]
        same = {key: target[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
        new = (
            f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:{uuid.uuid4()}:resource/"
            f"dynamodb/{target['ResourceId']}:policyName/{name}"
        )
        is_same = (same | {"PolicyName": name}).items()
        known = (arn for arn, policy in self.policies.items() if policy.items() >= is_same)
        arn = next(known, new)
        self.policies[arn] = same | {
            "PolicyARN": arn,
            "PolicyName": name,
            "PolicyType": properties["PolicyType"],
            "TargetTrackingScalingPolicyConfiguration": _with_numbers(
                properties["TargetTrackingScalingPolicyConfiguration"]
            ),
            "Alarms": [],
            "CreationTime": time.time(),
        }
        return arn, {"Arn": arn}

    def delete_target(self, name: str, properties: dict) -> None:
        """Deregister a target, and delete its policies."""
        target = self.targets.pop(name, None)
        of_target = ("ServiceNamespace", "ResourceId", "ScalableDimension")
        for arn, policy in list(self.policies.items()):
            if target and all(policy[key] == target[key] for key in of_target):
                del self.policies[arn]

    def delete_policy(self, arn: str, properties: dict) -> None:
        """Delete a policy."""
        self.policies.pop(arn, None)

    def answer(self, operation: str, request: dict) -> dict | None:
        """Return the answer of a Describe call; None for any other operation."""
        found = {"DescribeScalableTargets": ("ScalableTargets", self.targets),
                 "DescribeScalingPolicies": ("ScalingPolicies", self.policies)}  # fmt: skip
        if operation not in found:
            return None
        name, records = found[operation]
        ids = request.get("ResourceIds") or [request.get("ResourceId")]
        wanted = {key: request[key] for key in ("ServiceNamespace", "ScalableDimension")
                  if key in request}  # fmt: skip
        return {
            name: [
                record
                for record in records.values()
                if (ids == [None] or record["ResourceId"] in ids)
                and all(record[key] == value for key, value in wanted.items())
            ]
        }


def apply() -> None:
    """Add both types to CloudFormation, and the Describe calls to the emulator."""
    scaling = Scaling()
    for kind, put, delete in (
        ("ScalableTarget", scaling.put_target, scaling.delete_target),
        ("ScalingPolicy", scaling.put_policy, scaling.delete_policy),
    ):
        provisioners._RESOURCE_HANDLERS[f"AWS::ApplicationAutoScaling::{kind}"] = {
            "create": put,
            "update": lambda name, old, new, stack, put=put: put("", new, stack),
            "delete": delete,
        }
    ministack.app.app = with_scaling(ministack.app.app, scaling)


def with_scaling(app: App, scaling: Scaling) -> App:
    """Return an ASGI application that answers Application Auto Scaling's Describe calls, too."""

    async def answering(scope: dict, receive: Receive, send: Send) -> None:
        exchange = Exchange(app, scope, receive, send)
        api, operation = exchange.target() if scope["type"] == "http" else ("", "")
        if api != API:
            await app(scope, receive, send)
            return
        answer = scaling.answer(operation, json.loads(await exchange.body() or b"{}"))
        if answer is None:
            await exchange.refuse(400, "UnknownOperationException", f"not emulated: {operation}")
            return
        headers = [(b"content-type", b"application/x-amz-json-1.1")]
        await exchange.answer(200, headers, json.dumps(answer).encode())

    return answering


def _with_numbers(configuration: dict) -> dict:
    # CloudFormation passes numbers as text.
    return configuration | {"TargetValue": float(configuration["TargetValue"])}
