"""`python -m bench.first_chart`: a learner's steps until a chart shows its first value.

It prints when each step ended, in seconds after its start (epoch seconds, first argument).
"""

import sys
import time
from datetime import UTC, datetime


def main() -> None:
    """Connect, deploy all stacks, start traffic and Flink, and wait for the first value."""
    began = float(sys.argv[1])

    def done(step: str) -> None:
        print(f"step {step} {time.time() - began:.2f}", flush=True)

    from helpers.connection.connect import connect
    from helpers.dashboards.charts import live_chart  # noqa: F401 - a notebook imports this too
    from helpers.deployment.deploy import deploy
    from helpers.deployment.flink_application import start_analytics
    from helpers.deployment.stacks import MODULES
    from helpers.stores.cloudwatch import cloudwatch_values
    from helpers.traffic.traffic import Traffic

    done("imports")
    cloud = connect("local")
    done("connect")
    for module in MODULES:
        deploy(cloud, module)
    done("deploy")
    since = datetime.now(UTC)
    Traffic(cloud).start(rate=50, seconds=60)
    start_analytics(cloud)
    done("start_analytics")
    while cloudwatch_values(cloud, "event_count", start=since).empty:
        time.sleep(0.1)
    done("first_chart")


if __name__ == "__main__":
    main()
