"""`python -m helpers.flink.run PLAN CODE SETTINGS.JSON`: runs a planned job until it ends.

Flink's whole cluster runs in one Java process, started here. The job reads and writes below the
folder of SETTINGS.JSON, from which it goes on:

    {"cluster": {<Flink's options for this run>}, "restore": <folder of a checkpoint, or null>,
     "checkpoints": <whether it makes checkpoints>}
"""

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError

from . import gateway, java
from .checkpointing import Schedule
from .properties import Folders

LOOK_SECONDS = 0.03


class Phases:
    """Prints how many seconds after our start each phase of it ended."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def note(self, phase: str) -> None:
        """Print that a phase has ended now."""
        print(f"{time.monotonic() - self._began:6.2f} s: {phase}", flush=True)


class Cluster:
    """A MiniCluster with one job.

    Args:
        jvm: Flink's Java.
        plan: the file with the job graph and its configuration.
        settings: what SETTINGS.JSON holds.
    """

    def __init__(self, jvm: Any, plan: Path, settings: dict[str, Any]) -> None:  # noqa: ANN401
        self._jvm, self.settings = jvm, settings
        flink = jvm.org.apache.flink
        stream = jvm.java.io.FileInputStream(str(plan))
        loader = jvm.Thread.currentThread().getContextClassLoader()
        self.graph, configuration = flink.util.InstantiationUtil.deserializeObject(stream, loader)
        stream.close()
        for option, value in settings["cluster"].items():
            configuration.setString(option, value)
        # Flink names the folder of a run's checkpoints by it.
        self.graph.setJobID(flink.api.common.JobID())
        if settings["restore"]:
            self._restore_from(settings["restore"])
        builder = getattr(flink.runtime.minicluster, "MiniClusterConfiguration$Builder")()
        builder = builder.setConfiguration(configuration).setNumTaskManagers(1)
        self._cluster = flink.runtime.minicluster.MiniCluster(
            builder.setNumSlotsPerTaskManager(1).build()
        )

    def _restore_from(self, checkpoint: str) -> None:
        jobs = self._jvm.org.apache.flink
        # The new job leaves the old one's checkpoint alone: we delete it.
        mode = jobs.core.execution.RecoveryClaimMode.NO_CLAIM
        settings = jobs.runtime.jobgraph.SavepointRestoreSettings
        self.graph.setSavepointRestoreSettings(settings.forPath(checkpoint, False, mode))

    def start(self) -> None:
        """Start the cluster."""
        self._cluster.start()

    def submit(self) -> None:
        """Give the job to the cluster, which now begins to deploy it."""
        self._cluster.submitJob(self.graph).get()

    def wait(self, schedule: Schedule | None) -> str | None:
        """Have the job make checkpoints until it ends; return why it ended, in one line.

        Args:
            schedule: decides when a checkpoint is due; None if the job makes none.

        Returns:
            None if it makes no checkpoints, and has ended because its input has.
        """
        job = self.graph.getJobID()
        result = self._cluster.requestJobResult(job)
        while not result.isDone():
            time.sleep(LOOK_SECONDS)
            if schedule and schedule.is_due():
                schedule.note_begin()
                schedule.note_end(self._checkpoint(job))
        error = result.get().getSerializedThrowable()
        if not error.isPresent():
            return "Flink has ended the job" if schedule else None
        causes = re.findall(r"^Caused by: (.*)", error.get().getFullStringifiedStackTrace(), re.M)
        return causes[-1] if causes else error.get().getMessage()

    def _checkpoint(self, job: Any) -> bool:  # noqa: ANN401 - Java's
        checkpoint_type = self._jvm.org.apache.flink.core.execution.CheckpointType.CONFIGURED
        try:
            self._cluster.triggerCheckpoint(job, checkpoint_type).get()
        except Py4JJavaError:  # the job does not run yet, or it is about to end
            return False
        return True


def main() -> None:
    """Run the plan that the command line names."""
    phases = Phases()
    plan, code, file = map(Path, sys.argv[1:4])
    settings = json.loads(file.read_text(encoding="utf-8"))
    os.chdir(file.parent)  # the plan's own folders are relative to it
    java.set_python_path(code)
    jvm = gateway.start_java(java.running_class_path()).jvm
    phases.note("Java is started")
    cluster = Cluster(jvm, plan, settings)
    phases.note("the plan is read")
    cluster.start()
    phases.note("the cluster is started")
    cluster.submit()
    phases.note("the job is submitted")
    folders = Folders(file.parent)
    makes = cluster.settings["checkpoints"]
    sys.exit(cluster.wait(Schedule(folders.clicks, folders.metrics) if makes else None))


if __name__ == "__main__":
    main()
