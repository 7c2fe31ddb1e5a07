"""`python -m bench.first_chart`: what a learner runs until the first value is on a chart.

It prints how many seconds after its begin (epoch seconds, first argument) each step was done.
"""

import sys
import time
from datetime import UTC, datetime


def main() -> None:
    """Connect, deploy all, start the analytics and traffic, wait for the first value."""
    began = float(sys.argv[1])

    def done(step: str) -> None:
        print(f"step {step} {time.time() - began:.2f}", flush=True)

    from helpers.connection.connect import connect
    from helpers.dashboards.charts import live_chart  # noqa: F401 - what draws, a notebook has imported
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
