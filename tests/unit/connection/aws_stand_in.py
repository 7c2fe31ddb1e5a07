"""A stand-in for AWS, and for Maven Central, on a port of its own.

It passes each call on to the emulator, except those for which a test has given another answer.
"""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from helpers.core.cloud import Cloud

# What services with paths call their operations: (signing name, path) -> the operation.
PATHS = {
    ("lambda", "/2016-08-19/account-settings"): "GetAccountSettings",
    ("scheduler", "/schedules"): "ListSchedules",
    ("s3", "/"): "ListBuckets",
}
SILENT = "no answer before the client gives up"
CUT = "the connection is closed"
Answer = tuple[int, bytes]


class StandIn(ThreadingHTTPServer):
    """Answers for AWS.

    Args:
        emulator: answers the calls of which nothing else is known.
    """

    daemon_threads = True

    def __init__(self, emulator: Cloud) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.emulator = emulator.endpoint
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers: dict[str, object] = {}  # operation, or signing name -> answer
        self.files: dict[str, bytes] = {}  # of Maven Central: path -> content
        self.skew = 0.0  # seconds by which its clock is ahead
        self.seen: list[tuple[str, dict]] = []  # operation, parameters of a form
        self.ended = threading.Event()  # releases the silent answers
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address) -> None:
        """Ignore a client that has given up."""

    def close(self) -> None:
        self.ended.set()
        self.shutdown()
        self.server_close()


def xml(operation: str, result: str, *, wrapped: bool = True) -> Answer:
    """Return a successful answer of a query service (EC2's have no element for the result)."""
    inner = f"<{operation}Result>{result}</{operation}Result>" if wrapped else result
    return 200, f"<{operation}Response>{inner}</{operation}Response>".encode()


def refused(code: str, message: str = "it is so", status: int = 400) -> dict:
    """Return an error, which is written as the service's protocol asks for."""
    return {"code": code, "message": message, "status": status}


def caller(arn: str) -> Answer:
    """Return GetCallerIdentity's answer."""
    fields = f"<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>000000000000</Account>"
    return xml("GetCallerIdentity", fields)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def log_message(self, *_) -> None:
        pass

    def date_time_string(self, timestamp=None) -> str:
        return super().date_time_string(time.time() + self.server.skew)

    def do_HEAD(self) -> None:
        self._file()

    def do_GET(self) -> None:
        if self.path.startswith("/maven2/"):
            self._file()
        else:
            self._call(b"")

    def do_POST(self) -> None:
        self._call(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _file(self) -> None:
        content = self.server.files.get(self.path.rsplit("/", 1)[1])
        self._send(200 if content is not None else 404, content or b"", "text/plain")

    def _call(self, body: bytes) -> None:
        service = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", self.headers["Authorization"])
        form = {k: v[0] for k, v in parse_qs(body.decode("latin-1")).items()}
        operation = self._operation(service[1], form)
        self.server.seen.append((operation, form))
        answers = self.server.answers
        answer = answers.get(operation, answers.get(service[1], answers.get("*")))
        answer = answer(form) if callable(answer) else answer
        if answer is None:
            self._forward(body)
        elif answer is SILENT:
            self.server.ended.wait()
            self.close_connection = True
        elif answer is CUT:
            self.close_connection = True
        elif isinstance(answer, dict) and "code" in answer:
            self._refuse(service[1], form, **answer)
        elif isinstance(answer, dict):
            self._send(200, json.dumps(answer).encode(), "application/x-amz-json-1.1")
        else:
            status, content = answer
            self._send(status, content, "text/xml")

    def _operation(self, service: str, form: dict) -> str:
        if target := self.headers.get("X-Amz-Target"):
            return target.rpartition(".")[2]
        path = urlsplit(self.path).path
        in_path = re.search(r"/operation/(\w+)", path)
        return (
            in_path[1] if in_path else form.get("Action") or PATHS[service, path.rstrip("/") or "/"]
        )

    def _refuse(self, service: str, form: dict, code: str, message: str, status: int) -> None:
        error = f"<Code>{code}</Code><Message>{message}</Message>"
        if service == "ec2":
            text = f"<Response><Errors><Error>{error}</Error></Errors></Response>"
        elif service == "s3":
            text = f"<Error>{error}</Error>"
        elif form.get("Action"):
            text = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
        else:
            text = json.dumps({"__type": code, "message": message})
        self._send(
            status, text.encode(), "text/xml" if text[0] == "<" else "application/json", code
        )

    def _forward(self, body: bytes) -> None:
        headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
        request = urllib.request.Request(
            self.server.emulator + self.path, body or None, headers, method=self.command
        )
        try:
            with urllib.request.urlopen(request) as answer:
                status, content, own = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            status, content, own = error.code, error.read(), error.headers
        self._send(status, content, own["Content-Type"], own.get("x-amzn-errortype", ""))

    def _send(self, status: int, body: bytes, kind: str, error: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if error:
            self.send_header("x-amzn-errortype", error)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
