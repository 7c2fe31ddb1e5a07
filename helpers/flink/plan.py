"""`python -m helpers.flink.plan PLAN MAIN.PY`: runs MAIN.PY up to its job, and writes the job down.

MAIN.PY is the application's, unchanged. Where it would have Flink execute its statements, Flink
only plans them; the job graph and its configuration go into the file PLAN.
"""

import os
import runpy
import sys
from pathlib import Path
from typing import Any, NoReturn

from pyflink import java_gateway
from pyflink.table import StatementSet

from . import class_data, gateway, java


def save(job: StatementSet, plan: Path) -> NoReturn:
    """Plan a job, write its graph and end this process.

    Args:
        job: the statements that main.py would execute.
        plan: the file.

    Raises:
        Py4JJavaError: Flink refuses a statement.
        SystemExit: the plan is written.
    """
    jvm, tables = java_gateway.get_gateway().jvm, job._t_env
    tables._before_execute()
    job._j_statement_set.attachAsDataStream()
    environment = tables._j_tenv.execEnv()
    _close_files_at_checkpoints(environment)
    # PyFlink's own execute() does these two before it makes the graph.
    jvm.org.apache.flink.python.util.PythonConfigUtil.configPythonOperator(environment)
    jvm.org.apache.flink.python.chain.PythonOperatorChainingOptimizer.apply(environment)
    loader = jvm.Thread.currentThread().getContextClassLoader()
    made = jvm.java.util.ArrayList()
    made.add(environment.getStreamGraph(True).getJobGraph(loader))
    made.add(environment.getConfiguration())
    draft = plan.with_name(f".{plan.name}.{os.getpid()}")
    stream = jvm.java.io.FileOutputStream(str(draft))
    jvm.org.apache.flink.util.InstantiationUtil.serializeObject(stream, made)
    stream.close()
    draft.replace(plan)
    sys.exit()


def _close_files_at_checkpoints(environment: Any) -> None:  # noqa: ANN401 - Java's
    """Have the sinks close their files at each checkpoint, so that it publishes all rows until it.

    Flink's SQL closes files of lines by their size or age alone: what a checkpoint itself brings to
    the sinks waits for the next one. Its own sinks of other formats do close them; no option makes
    them the same, so the field is set here (FileSystemTableSink.TableRollingPolicy of 2.2).
    """
    closed = 0
    for end in environment.getTransformations():
        for step in end.getTransitivePredecessors():
            if step.getName() == "StreamingFileWriter":
                builder = _field(step.getOperatorFactory().getOperator(), "bucketsBuilder")[1]
                policy = _field(builder, "rollingPolicy")[1]
                _field(policy, "rollOnCheckpoint")[0].setBoolean(policy, True)
                closed += 1
    if not closed:
        raise RuntimeError("this Flink has another file sink: see _close_files_at_checkpoints")


def _field(owner: Any, name: str) -> tuple[Any, Any]:  # noqa: ANN401 - Java's
    """Return a field of a Java object, private ones too, and its value."""
    its_class = owner.getClass()
    while name not in [field.getName() for field in its_class.getDeclaredFields()]:
        its_class = its_class.getSuperclass()
    field = its_class.getDeclaredField(name)
    field.setAccessible(True)
    return field, field.get(owner)


def main() -> None:
    """Run the program that the command line names."""
    plan, program = Path(sys.argv[1]), sys.argv[2]
    sys.argv = [program]
    # As Managed Flink does with the folder that the property `pyFiles` names.
    sys.path.insert(0, str(Path(program).resolve().parent / java.MODULES))
    path = java.class_path(class_data.planner())
    java_gateway.launch_gateway = lambda: gateway.start_java_for_pyflink(path)
    StatementSet.execute = lambda job: save(job, plan)
    runpy.run_path(program, run_name="__main__")
    sys.exit(f"{Path(program).name} has ended, and has not executed a statement set")


if __name__ == "__main__":
    main()
