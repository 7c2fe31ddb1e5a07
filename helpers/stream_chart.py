"""A live chart of what arrives in a stream, second by second."""

import pandas as pd

from .cloud import Cloud
from .errors import WorkshopError
from .live import LiveChart
from .metric_picture import Metric, draw_metric
from .picture import Picture
from .stream import StreamCounter


def live_stream_chart(cloud: Cloud, stream: str = "clicks", minutes: float = 2) -> LiveChart:
    """Start a chart of the records that arrive in a stream, from now on.

    Args:
        cloud: where the stream is.
        stream: its name without the prefix: `clicks` or `metrics`.
        minutes: how far back the chart reaches.

    Returns:
        The running chart. As the last line of a cell it is shown; `.stop()` ends it.

    Raises:
        WorkshopError: the stream does not exist yet.

    Example:
        `live_stream_chart(cloud)`
    """
    about = Metric(stream, f"Records in {cloud.name(stream)}", bucket=1, needs="module 1")
    counter = StreamCounter(cloud, stream).start()

    def draw(picture: Picture) -> str:
        counts = counter.per_second()
        if counter.problem:
            raise WorkshopError(counter.problem, "Run the cell again once the stream is there.")
        frame = pd.DataFrame(
            {
                "Time": pd.to_datetime(list(counts), unit="s", utc=True),
                "Item": "records",
                "Value": list(counts.values()),
            }
        )
        return draw_metric(picture, frame, about, minutes)

    return LiveChart(draw, name=f"stream-{stream}", period=1.0).start()
