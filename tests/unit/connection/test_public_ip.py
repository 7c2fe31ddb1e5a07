"""The learner's public address, from a service that answers correctly, wrongly or not at all."""

import http.server
import threading

import pytest

import helpers.connection.public_ip
from helpers.connection.public_ip import frontend_parameters, public_ip
from helpers.core.errors import WorkshopError
from helpers.local.ports import free_port


@pytest.fixture
def service():
    """The URL of a service, and the list with its answer."""
    answers: list[tuple[int, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answers[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()
        thread.join()


def test_the_address_is_returned_as_a_cidr_block(service):
    url, answers = service
    answers.append((200, b"203.0.113.9\n"))
    assert public_ip(url) == "203.0.113.9/32"


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (200, b"<html>sign in to this network</html>", "<html>.*no IPv4 address"),
        (200, b"2001:db8::1", "no IPv4 address"),
        (200, b"", "no IPv4 address"),
        (200, b"\xff" * 1_000_000, "no IPv4 address"),
        (503, b"", "could not be found: .*503"),
    ],
)
def test_an_invalid_answer_is_an_error_with_a_remedy(service, status, body, cause):
    url, answers = service
    answers.append((status, body))
    with pytest.raises(WorkshopError, match=cause) as error:
        public_ip(url)
    assert "BeaconSourceCIDR=" in error.value.remedy


def test_no_answer_is_an_error():
    with pytest.raises(WorkshopError, match="could not be found: .*refused"):
        public_ip(f"http://127.0.0.1:{free_port()}")


def test_a_given_address_is_used_without_a_lookup(monkeypatch, capsys):
    monkeypatch.setattr(helpers.connection.public_ip, "public_ip", lambda: "203.0.113.9/32")
    assert frontend_parameters({"BeaconSourceCIDR": "0.0.0.0/0"}) == {
        "SmallestFleet": "2",
        "FleetSize": "2",
    }
    assert capsys.readouterr().out == ""
    assert frontend_parameters({})["BeaconSourceCIDR"] == "203.0.113.9/32"
    assert "Only 203.0.113.9/32" in capsys.readouterr().out
