"""(a) How long does a beacon take to CloudWatch, at 10, 100 and 1,000 beacons per second?"""

from bench.chain import chain, hold
from helpers.timing.stage_latency import latency

RATES = (10, 100, 1000)
STAGES = {
    "server_to_stream": ("agent", "Kinesis"),
    "flink": ("Flink", "sink"),
    "functions": ("DynamoDB", "CloudWatch"),
}


def measure(seconds: float = 20) -> dict:
    """Return `latency` (results of `hold` by rate) and `stage_seconds` (p50 at 100/s).

    Args:
        seconds: duration of each rate.
    """
    cloud, runs, stages = chain(), {}, {}
    for rate in RATES:
        runs[str(rate)] = hold(cloud, rate, seconds, exact=True)
        if rate == 100:
            p50 = latency(cloud, minutes=1).frame["p50"]
            stages = {name: round(float(p50[list(its)].sum()), 2) for name, its in STAGES.items()}
    return {"latency": runs, "stage_seconds": stages}
