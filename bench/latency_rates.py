"""(a) How long does a beacon take to become a CloudWatch datapoint, at 10, 100, 1,000 a second?"""

from bench.chain import chain, hold
from helpers.timing.stage_latency import latency

RATES = (10, 100, 1000)


STAGES = {
    "server_to_stream": ("agent", "Kinesis"),
    "flink": ("Flink", "sink"),
    "functions": ("DynamoDB", "CloudWatch"),
}


def measure(seconds: float = 20) -> dict:
    """Return `latency`: by rate, what `hold` returns; and `stage_seconds`, p50s at 100/s.

    Args:
        seconds: for how long each rate is sent.
    """
    cloud, found, stages = chain(), {}, {}
    for rate in RATES:
        found[str(rate)] = hold(cloud, rate, seconds, exact=True)
        if rate == 100:
            p50 = latency(cloud, minutes=1).frame["p50"]
            stages = {name: round(float(p50[list(its)].sum()), 2) for name, its in STAGES.items()}
    return {"latency": found, "stage_seconds": stages}
