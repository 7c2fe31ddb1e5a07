"""Starts Java so that only this Python process can control it.

PyFlink's Python and its Java communicate through two sockets of 127.0.0.1 (Py4J), without a
password: any program of any user of this machine could run code in that Java. Py4J has tokens
against that; PyFlink does not use them. So Java starts here as Py4J's own server, which makes a
token and prints it into a pipe; it then creates the server for PyFlink, with tokens both ways.
"""

import os
import secrets
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from py4j.java_gateway import CallbackServerParameters, GatewayParameters, JavaGateway
from pyflink import pyflink_gateway_server as pyflink

PY4J = "org.apache.flink.api.python.shaded.py4j"


def start_java(class_path: list[Path]) -> JavaGateway:
    """Start Java and connect to it.

    Args:
        class_path: its jars.

    Raises:
        RuntimeError: Java ended at once; its output has the reason.
    """
    port, token = _start(class_path)
    return JavaGateway(gateway_parameters=_parameters(port, token))


def start_java_for_pyflink(class_path: list[Path]) -> JavaGateway:
    """Do the same as PyFlink's own `launch_gateway`: Java may call Python back, too."""
    port, token = _start(class_path)
    first = JavaGateway(gateway_parameters=_parameters(port, token))
    answers = secrets.token_hex(32)
    server = _server(first, token, answers)
    gateway = JavaGateway(
        gateway_parameters=_parameters(server.getListeningPort(), token),
        callback_server_parameters=CallbackServerParameters(
            port=0, daemonize=True, daemonize_connections=True, auth_token=answers
        ),
    )
    first.shutdown()
    return gateway


def _start(class_path: list[Path]) -> tuple[int, str]:
    # The Python that runs inside this Java could start another one, without a token. Now such code
    # fails.
    variables = os.environ | {"PYFLINK_GATEWAY_DISABLED": "true"}
    pyflink.prepare_environment_variables(variables)
    process = subprocess.Popen(
        [
            pyflink.find_java_executable(),
            *pyflink.get_jvm_opts(variables),
            *pyflink.construct_log_settings(variables),
            "-cp",
            os.pathsep.join(map(str, class_path)),
            # Py4J's main class prints port and token: into a pipe, and no log.
            f"{PY4J}.GatewayServer",
            "--enable-auth",
            "--die-on-broken-pipe",
            "0",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=variables,
    )
    port, token = process.stdout.readline(), process.stdout.readline()
    if not token:
        raise RuntimeError(f"Java has ended with {process.wait()}")
    rest = (process.stdout, sys.stdout.buffer)
    threading.Thread(target=shutil.copyfileobj, args=rest, name="java", daemon=True).start()
    return int(port), token.decode().strip()


def _parameters(port: int, token: str) -> GatewayParameters:
    return GatewayParameters(port=port, auto_convert=True, auth_token=token)


def _server(first: JavaGateway, token: str, answers: str) -> Any:  # noqa: ANN401 - Java's
    py4j = first.jvm.org.apache.flink.api.python.shaded.py4j
    loopback = first.jvm.java.net.InetAddress.getByName("127.0.0.1")
    server = (
        py4j.GatewayServer.GatewayServerBuilder()
        .javaPort(0)
        .javaAddress(loopback)
        .authToken(token)
        .callbackClient(py4j.CallbackClient(0, loopback, answers))
        .entryPoint(first.jvm.java.util.concurrent.ConcurrentHashMap())
        .build()
    )
    server.start()
    return server
