"""Draw docs/flink-start.svg: the seconds of each phase of a start of the stream job.

    python -m docs.make_start_picture

The figures are those of docs/flink-start.md: medians of two starts each, on two idle cores.
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt  # noqa: E402 - after its backend is chosen

PATH = Path(__file__).with_name("flink-start.svg")
PHASES = (
    # name, seconds before, seconds now
    ("Python and Java start", 0.8, 0.3),
    ("PyFlink makes its tables", 2.2, 0.0),
    ("statements are read and checked", 6.7, 0.0),
    ("the job is planned", 2.0, 0.0),
    ("the plan is read", 0.0, 0.2),
    ("Flink's cluster starts", 2.0, 1.3),
    ("the job is submitted and deployed", 2.6, 2.0),
    ("the Python stage imports its modules", 3.7, 0.7),
)


def main() -> None:
    """Write the picture."""
    plt.rcParams["svg.hashsalt"] = "flink-start"  # the same bytes each time
    figure, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
    for row, column in ((1, 1), (0, 2)):
        begin = 0.0
        for number, phase in enumerate(PHASES):
            seconds = phase[column]
            label = phase[0] if column == 1 else None
            axes.barh(row, seconds, left=begin, color=f"C{number}", label=label)
            if seconds >= 0.6:
                axes.text(begin + seconds / 2, row, f"{seconds:.1f}", ha="center", va="center",
                          color="white", fontsize=9)  # fmt: skip
            begin += seconds
        axes.text(begin + 0.2, row, f"{begin:.1f} s", va="center")
    axes.set_yticks([1, 0], ["before", "now"])
    axes.set_xlim(0, 23)
    axes.set_xlabel("seconds until the job runs")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    figure.savefig(PATH, metadata={"Date": None})


if __name__ == "__main__":
    main()
