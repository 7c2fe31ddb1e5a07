"""The traffic generator: a process of its own that sends beacons, so that no busy cell stops it.

    python -m helpers.generator live ...     # made-up visitors of the demo shop
    python -m helpers.generator replay ...   # the requests of a real access log

Notebooks do not use this package: `helpers.traffic.traffic.Traffic` starts it. The two sides
exchange files in `.workshop/traffic/`: the notebook writes the settings, the generator writes its
status and a journal of every beacon that it sent, the first stage of the ledger.
"""
