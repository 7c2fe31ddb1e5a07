"""CloudFormation: each resource takes the time that its service takes.

M: AWS documents no times; these are what stacks of these types usually show in their events, or
less: here the resources of a stack follow one another, on AWS independent ones are created at
once. The fleet's group waits for the signals of its servers
(CreationPolicy in cfn/1-frontend.yaml).
"""

import asyncio
import time
from collections.abc import Callable

from ministack.services.cloudformation import provisioners, stacks

from helpers.local.pace import SECONDS_UNTIL_A_SERVER_SERVES, scaled

from .deletions import KINDS, wait_then
from .listings import note_tagged
from .roles import SECONDS_UNTIL_KNOWN

CREATION = {
    "AWS::IAM::Role": SECONDS_UNTIL_KNOWN,
    "AWS::Kinesis::Stream": 10,
    "AWS::DynamoDB::Table": 10,
    "AWS::KinesisFirehose::DeliveryStream": 30,
    "AWS::Lambda::Function": 5,
    "AWS::Lambda::EventSourceMapping": 10,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": 120,
    "AWS::AutoScaling::AutoScalingGroup": SECONDS_UNTIL_A_SERVER_SERVES,
}
DELETION = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": 20,
    "AWS::AutoScaling::AutoScalingGroup": 60,
    "AWS::Lambda::EventSourceMapping": 10,
} | {name: kind.seconds for name, kind in KINDS.items()}
_runs_on_worker_thread, _delete_resource = stacks._runs_on_worker_thread, stacks._delete_resource


def apply() -> None:
    """Let these types be created and deleted in threads, which wait."""
    stacks._runs_on_worker_thread = runs_on_worker_thread
    stacks._delete_resource = delete_resource
    for name in CREATION | DELETION:
        handlers = provisioners._RESOURCE_HANDLERS[name]
        handlers["create"] = _then_wait(handlers["create"], scaled(CREATION.get(name, 0)))
        handlers["delete"] = _wait_first(name, handlers["delete"])


def runs_on_worker_thread(resource: str) -> bool:
    """Return whether a type of resource is created, updated and deleted in a thread."""
    return resource in CREATION | DELETION or _runs_on_worker_thread(resource)


def delete_resource(*arguments: object) -> None:
    """Delete a resource of a stack; the tagging API lists it for some time."""
    note_tagged()
    _delete_resource(*arguments)


def _then_wait(create: Callable, seconds: float) -> Callable:
    def create_and_wait(*arguments: object) -> tuple:
        made = create(*arguments)
        _sleep(seconds)
        return made

    return create_and_wait


def _wait_first(resource: str, delete: Callable) -> Callable:
    def delete_slowly(name: str, *arguments: object) -> None:
        if resource in KINDS and not _is_event_loop():
            wait_then(KINDS[resource], name, delete, name, *arguments)
            return
        _sleep(scaled(DELETION.get(resource, 0)))
        delete(name, *arguments)

    return delete_slowly


def _sleep(seconds: float) -> None:
    if not _is_event_loop():
        time.sleep(seconds)


def _is_event_loop() -> bool:
    # A wait there would stop the emulator (a replaced resource is deleted there, for example).
    return asyncio._get_running_loop() is not None
