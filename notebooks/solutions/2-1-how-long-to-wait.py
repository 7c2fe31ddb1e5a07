# ruff: noqa: F821
# Choose the shortest watermark. `check`, `cloud` and `pd` come from the notebook.
import math

from helpers import arrival_delays

delays = pd.Series(arrival_delays())
# 99 of 100 beacons take no longer than this. Each second more delays every alarm by a second.
watermark = math.ceil(delays.quantile(0.99))
print(f"{watermark} s: {delays.gt(watermark).mean():.2%} of the beacons are later")
check.exercise(cloud, "2-1", watermark)
