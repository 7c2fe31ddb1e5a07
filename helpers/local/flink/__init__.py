"""The Flink controller: runs the jobs, as Managed Service for Apache Flink does on AWS.

The emulator stores an application, its status and its zip, and runs nothing. The controller runs
the same zip with PyFlink, and moves records between the Kinesis streams and the job's folders,
because PyPI does not have the connector that reads Kinesis.

    application   an application as the emulator describes it; application_log its log in CloudWatch
    planning      the plan of its job
    job           the process that runs its job
    checkpoints   which checkpoint to restart from, and which input files none of them needs
    pump_in       clicks stream -> folder
    pump_out      folder -> metrics stream
    run           one run of an application: its job and its pumps
    progress      the moment until which all records are counted
    runner        one application: when it runs, and when it is restarted
    __main__      all applications
"""
