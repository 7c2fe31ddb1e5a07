"""A bare loop of PyPI's `apachelogs` over a log: `python apachelogs_loop.py LOG LOGFORMAT`.

bench/agents.py runs it in a separate environment. It prints the number of lines and CPU seconds.
"""

import sys
import time

from apachelogs import LogParser


def main() -> None:
    parser, lines = LogParser(sys.argv[2]), 0
    with open(sys.argv[1], encoding="utf-8") as log:  # noqa: PTH123
        began = time.process_time()
        for _ in parser.parse_lines(log):
            lines += 1
        print(lines, time.process_time() - began)


if __name__ == "__main__":
    main()
