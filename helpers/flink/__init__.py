"""Flink on this machine: plans a job, and runs a planned job from folder to folder.

A job begins with code (main.py and its SQL files). To plan it takes PyFlink, Flink's planner and
seconds; what comes out is a job graph, the same each time for the same code and properties. So a
plan is made once and kept (plans.py), and each start of the job reads it (run.py): after a kill or
a stop the job is back without PyFlink's client and without the planner, in time and in memory.

    java.py        the Java of both, and its class path
    gateway.py     how Python speaks to it
    class_data.py  archives of loaded classes, made once, from which Java starts faster
    groups.py      an application's property groups
    properties.py  the property groups and options of a job on this machine
    keystore.py    what opens the job's own ports
    plan.py        the process that plans; plans.py starts it and keeps what it made
    run.py         the process that runs a plan
"""
