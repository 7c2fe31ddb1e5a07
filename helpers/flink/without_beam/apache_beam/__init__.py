"""In the place of Beam for the Python stage inside Java: PyFlink looks for it, and needs none."""

raise ImportError("the Python stage runs inside Java, without Beam (helpers/flink/java.py)")
