"""An AWS API on its own port, with the answers of a test."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CUT_OFF = (None, None)


class FaultyAws(ThreadingHTTPServer):
    """Sends the status and error name that `answer` returns for a body; CUT_OFF disconnects."""

    daemon_threads = True

    def __init__(self, answer):
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        status, error = self.server.answer(body)
        if status is None:
            self.close_connection = True
            return
        text = json.dumps({"__type": f"com.amazonaws#{error}", "message": "no"} if error else {})
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass
