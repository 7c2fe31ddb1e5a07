"""Service Quotas, and Kinesis' DescribeLimits: AWS's defaults, as in an account that is not new.

MiniStack has neither. Its own resources are limited by this machine only.
"""

import json

import ministack.app
from ministack.services import kinesis

from .exchange import App, Exchange, Receive, Send

API = "ServiceQuotasV20190624"
# Service, code -> name, value. The vCPUs' default is 5 for a new account, and rises with its use.
QUOTAS = {
    ("ec2", "L-1216C47A"): (
        "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 32),
    ("vpc", "L-F678F1CE"): ("VPCs per Region", 5),
    ("s3", "L-DC2B2D3D"): ("General purpose buckets", 10_000),
    ("kinesisanalytics", "L-3A88E041"): ("Apache Flink Kinesis Processing Units (KPUs)", 64),
}  # fmt: skip
SHARDS = 500
_READ = ("GetServiceQuota", "GetAWSDefaultServiceQuota")


def apply() -> None:
    """Wrap the emulator."""
    ministack.app.app = with_quotas(ministack.app.app)


def with_quotas(app: App) -> App:
    """Return an ASGI application that answers these calls, and passes all others on."""

    async def answer(scope: dict, receive: Receive, send: Send) -> None:
        exchange = Exchange(app, scope, receive, send)
        target = exchange.target() if scope["type"] == "http" else ("", "")
        if target == ("Kinesis_20131202", "DescribeLimits"):
            await exchange.body()
            await _send(exchange, limits())
        elif target[0] == API and target[1] in _READ:
            asked = json.loads(await exchange.body())
            service, code = asked["ServiceCode"], asked["QuotaCode"]
            if (service, code) in QUOTAS:
                await _send(exchange, quota(service, code))
            else:
                message = f"There is no quota {code} of {service}."
                await exchange.refuse(400, "NoSuchResourceException", message)
        else:
            await app(scope, receive, send)

    return answer


def limits() -> dict:
    """Return the answer to DescribeLimits."""
    streams = list(kinesis._streams.values())
    shards = sum(len(stream["shards"]) for stream in streams)
    return {
        "ShardLimit": SHARDS,
        "OpenShardCount": shards,
        "OnDemandStreamCount": 0,
        "OnDemandStreamCountLimit": 50,
    }


def quota(service: str, code: str) -> dict:
    """Return the answer to GetServiceQuota."""
    name, value = QUOTAS[service, code]
    return {"Quota": {"ServiceCode": service, "QuotaCode": code, "QuotaName": name,
                      "Value": float(value)}}  # fmt: skip


async def _send(exchange: Exchange, answer: dict) -> None:
    headers = [(b"content-type", b"application/x-amz-json-1.1")]
    await exchange.answer(200, headers, json.dumps(answer).encode())
