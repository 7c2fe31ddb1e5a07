"""(g) How long does a frame of a live chart take, and how much CPU does the chart use?"""

import time

from bench.chain import chain
from helpers.dashboards.charts import live_chart
from helpers.traffic.traffic import Traffic

RATE = 50


def measure(seconds: float = 20, frames: int = 12) -> dict:
    """Return `chart_frame_ms` (median), `chart_frame_p95_ms` and `chart_cpu_percent` (of a core).

    A frame is read from CloudWatch, drawn and encoded. The CPU is that of this process, which has
    one chart of five minutes, redrawn every two seconds.

    Args:
        seconds: how long the chart runs.
        frames: how many frames are timed.
    """
    cloud = chain(warm=False)
    Traffic(cloud).start(rate=RATE)
    time.sleep(12)  # until there are values to draw
    chart = live_chart(cloud, "event_count")
    try:
        time.sleep(1)
        cpu, began, drawn = time.process_time(), time.monotonic(), chart.frames
        time.sleep(seconds)
        share = (time.process_time() - cpu) / (time.monotonic() - began)
        if chart.frames - drawn < seconds / chart.period * 0.7 or chart.failures:
            raise RuntimeError(f"the chart drew {chart.frames - drawn} frames: {chart.sentence}")
    finally:
        chart.stop()
    took = sorted(_frame(chart) for _ in range(frames))
    Traffic(cloud).stop()
    return {
        "chart_frame_ms": round(took[len(took) // 2]),
        "chart_frame_p95_ms": round(took[int(len(took) * 0.95)]),
        "chart_cpu_percent": round(100 * share, 1),
    }


def _frame(chart) -> float:
    began = time.perf_counter()
    chart._redraw()
    return (time.perf_counter() - began) * 1000
