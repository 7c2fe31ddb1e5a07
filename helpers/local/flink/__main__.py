"""`python -m helpers.local.flink` runs the Flink controller."""

from .controller import main

main()
