"""The alarm controller: evaluates metric alarms, as CloudWatch does.

The emulator stores alarms, their history and their actions; this controller computes their state
and sets it through the API, so that the emulator publishes to the SNS topic.

    definition   an alarm as DescribeAlarms describes it: its metrics, its rule
    rules        from breaching, good and missing datapoints to a state, as CloudWatch documents it
    reason       a state's StateReason and StateReasonData
    controller   all alarms
"""
