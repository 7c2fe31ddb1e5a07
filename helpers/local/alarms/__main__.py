"""`python -m helpers.local.alarms`: see controller."""

import sys

from .controller import main

sys.exit(main())
