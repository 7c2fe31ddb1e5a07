"""The traffic generator: a process of its own that sends beacons, also while a cell is busy.

    python -m helpers.generator live ...     # simulated visitors of the demo shop
    python -m helpers.generator replay ...   # the requests of a real access log

Notebooks do not use this package: `helpers.traffic.traffic.Traffic` starts it. The two sides
exchange files in `.workshop/traffic/`: the notebook writes the settings, the generator writes its
status and a journal of every beacon that it sent, the first stage of the ledger.
"""
