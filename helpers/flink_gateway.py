"""`python -m helpers.flink_gateway MAIN.PY [ARGUMENT]...`: PyFlink whose Java obeys MAIN.PY alone.

PyFlink's Python and its Java speak through two sockets of 127.0.0.1 (Py4J), without a password: any
program of this machine, another user's too, could have that Java run what it likes. Py4J has tokens
for that; PyFlink uses none. So Java begins here as Py4J's own server, which makes a token and
prints it into a pipe; through it the server is made that PyFlink needs, with tokens for both ways.
"""

import os
import runpy
import secrets
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from unittest import mock

from py4j.java_gateway import CallbackServerParameters, GatewayParameters, JavaGateway
from pyflink import java_gateway, pyflink_gateway_server

PY4J = "org.apache.flink.api.python.shaded.py4j"


def launch_gateway() -> JavaGateway:
    """Start Java and connect to it, as PyFlink's function of this name does."""
    port, token = _start_java()
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


def _start_java() -> tuple[int, str]:
    # Py4J's main class prints port and token: into a pipe, and no log.
    options = ["--enable-auth", "--die-on-broken-pipe", "0"]

    def start(*arguments: list, **named: object) -> subprocess.Popen:
        return subprocess.Popen(*arguments, **named, stdout=subprocess.PIPE)  # type: ignore[call-overload]

    with mock.patch.object(pyflink_gateway_server, "Popen", start):
        # The Python that runs inside this Java could start another one, without a token. Now such
        # code fails.
        process = pyflink_gateway_server.launch_gateway_server_process(
            os.environ | {"PYFLINK_GATEWAY_DISABLED": "true"},
            ["-c", f"{PY4J}.GatewayServer", "local", *options],
        )
    port, token = process.stdout.readline(), process.stdout.readline()
    if not token:
        raise RuntimeError(f"Java has ended: {process.stderr.read().decode(errors='replace')}")
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


def main() -> None:
    """Run the program that the command line names."""
    sys.argv = sys.argv[1:]
    # As `python MAIN.PY` would: it finds the modules beside it.
    sys.path.insert(0, str(Path(sys.argv[0]).resolve().parent))
    java_gateway.launch_gateway = launch_gateway
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
