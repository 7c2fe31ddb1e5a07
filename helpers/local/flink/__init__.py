"""The flink controller: plays the part of Managed Service for Apache Flink that runs the job.

The emulator records an application, its status and its zip, and runs nothing. The controller runs
the very same zip with PyFlink, and carries records between the Kinesis streams and the job's
folders, because the connector that would read Kinesis itself can't be had from PyPI.

    application   what the emulator says of an application
    properties    its property groups, with folders in the place of streams
    job           the process that runs its main.py
    checkpoints   which checkpoint to restart from, and which files none of them needs any more
    pump_in       clicks stream -> folder
    pump_out      folder -> metrics stream
    run           one run of an application: its job and its pumps
    runner        one application: when it is run, and run again
    controller    all applications
"""
