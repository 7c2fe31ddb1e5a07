"""The alarm controller: plays the part of CloudWatch that evaluates metric alarms.

The emulator keeps alarms, their history and their actions; this controller decides their state and
sets it through the API, which makes the emulator tell the SNS topic.

    definition   what DescribeAlarms says of an alarm: its metrics, its rule
    rules        from breaching, good and missing datapoints to a state, as CloudWatch documents it
    reason       the words and the JSON that go with a state
    controller   all alarms, again and again
"""
