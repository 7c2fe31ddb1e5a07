"""`python -m helpers.local [stop]`: see supervisor."""

import sys

from .supervisor import main

sys.exit(main())
