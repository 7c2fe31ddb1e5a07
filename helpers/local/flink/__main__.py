"""`python -m helpers.local.flink`: see controller."""

import sys

from .controller import main

sys.exit(main())
