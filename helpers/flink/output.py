"""The lines that an application's main.py prints, and how Flink logs them, for other rooms."""

# A line that begins with it is for the learner.
NOTE = "Note: "
# The last line, if all went well.
STARTED = "The job has started."
# Flink's logger of these lines, and its own lines around them.
DRIVER = "org.apache.flink.client.python.PythonDriver"
BEGIN, END = "Python Process Started", "Python Process Exited"
