"""(a) How long does a beacon take to become a CloudWatch datapoint, at 10, 100, 1,000 a second?"""

from bench.chain import chain, hold

RATES = (10, 100, 1000)


def measure(seconds: float = 20) -> dict:
    """Return `latency`: by rate, what `hold` returns.

    Args:
        seconds: for how long each rate is sent.
    """
    cloud = chain()
    return {"latency": {str(rate): hold(cloud, rate, seconds, exact=True) for rate in RATES}}
