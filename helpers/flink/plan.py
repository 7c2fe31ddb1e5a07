"""`python -m helpers.flink.plan PLAN MAIN.PY`: runs MAIN.PY up to its job, and writes the job down.

MAIN.PY is the application's, unchanged. Where it would have Flink execute its statements, Flink
only plans them; the job graph and its configuration go into the file PLAN.
"""

import os
import runpy
import sys
from pathlib import Path
from typing import NoReturn

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


def main() -> None:
    """Run the program that the command line names."""
    plan, program = Path(sys.argv[1]), sys.argv[2]
    sys.argv = [program]
    # As `python MAIN.PY` would: it finds the modules beside it.
    sys.path.insert(0, str(Path(program).resolve().parent))
    path = java.class_path(class_data.planner())
    java_gateway.launch_gateway = lambda: gateway.start_java_for_pyflink(path)
    StatementSet.execute = lambda job: save(job, plan)
    runpy.run_path(program, run_name="__main__")
    sys.exit(f"{Path(program).name} has ended, and has not executed a statement set")


if __name__ == "__main__":
    main()
