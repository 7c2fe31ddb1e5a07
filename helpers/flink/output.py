"""The lines that an application's main.py prints, as far as other rooms read them."""

# A line that begins with it is for the learner.
NOTE = "Note: "
# The last line, if all went well.
STARTED = "The job has started."
