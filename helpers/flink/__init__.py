"""Flink on this machine: plans a job, and runs a planned job from folder to folder.

A job begins as code (main.py and its SQL files). PyFlink and Flink's planner need seconds to turn
it into a job graph, which is the same for the same code and properties. So a plan is made once and
kept (plans.py), and each start of the job reads it (run.py): after a kill or a stop, the job starts
without the time and the memory of PyFlink's client and the planner.

    java.py        the Java of both, and its class path
    gateway.py     the connection between Python and Java
    class_data.py  archives of loaded classes, made once, from which Java starts faster
    groups.py      an application's property groups
    output.py      the lines that main.py prints
    properties.py  the property groups and options of a job on this machine
    keystore.py    the key and certificate of the job's ports
    plan.py        the process that plans; plans.py starts it and keeps its plans
    run.py         the process that runs a plan
"""
