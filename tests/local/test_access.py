"""The emulator answers this run's own clients: every other request gets 403, and has no effect."""

import asyncio
import http.client
import socket
import time
from urllib.parse import urlencode, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from h2.connection import H2Connection
from h2.events import ResponseReceived

from tests.catcher import until
from tests.running_emulator import running_emulator

# One of each kind of MiniStack's routes: APIs, its own pages, paths that AWS serves without
# credentials.
ROUTES = [
    ("POST", "/2015-03-31/functions"),
    ("POST", "/2015-03-31/functions/any/invocations"),
    ("GET", "/"),
    ("GET", "/bucket/key"),
    ("PUT", "/bucket"),
    ("POST", "/?Action=ListQueues"),
    ("GET", "/?Action=ConfirmSubscription&Token=a"),
    ("GET", "/health"),
    ("GET", "/_localstack/health"),
    ("GET", "/_ministack/ready"),
    ("POST", "/_ministack/health"),
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/sqs/messages"),
    ("GET", "/_ministack/lambda-code/any"),
    ("PUT", "/_ministack/cfn-response/any"),
    ("POST", "/_ministack/rds/iam-auth"),
    ("GET", "/_aws/execute-api/12345678/stage/path"),
    ("GET", "/_aws/lambda-url/12345678/"),
    ("GET", "/_alb/any/"),
    ("GET", "/pool/.well-known/jwks.json"),
    ("GET", "/oauth2/userInfo"),
    ("GET", "/v2/"),
    ("OPTIONS", "/"),
    ("OPTIONS", "/bucket"),
]
FROM_A_PAGE = [
    {"Origin": "http://elsewhere.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Mode": "no-cors"},
]
FOREIGN_HOSTS = [
    "elsewhere.example",
    "elsewhere.example:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "localhost",
    "[::1]:{port}",
    "bucket.127.0.0.1:{port}",
    "127.0.0.1:{port}.elsewhere.example",
    "",
]


def send(cloud, method="GET", path="/", headers=None, body=None):
    """Send one request; return status, headers by lower-case names, body."""
    connection = http.client.HTTPConnection(urlsplit(cloud.endpoint).netloc, timeout=30)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    body = answer.read()
    connection.close()
    return answer.status, headers, body


def signed(cloud, service: str = "s3") -> dict[str, str]:
    key = cloud.session.get_credentials().access_key
    credential = f"{key}/20261125/us-east-1/{service}/aws4_request"
    return {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=a, Signature=b"
    }


def port_of(cloud) -> int:
    return urlsplit(cloud.endpoint).port


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_the_key_every_route_is_refused(emulator, method, path):
    status, headers, body = send(emulator, method, path, body=b"{}")
    assert status == 403 and b"InvalidClientTokenId" in body
    assert not [name for name in headers if name.startswith("access-control-")]


def test_without_the_key_health_is_answered_with_ok_only(emulator):
    status, headers, body = send(emulator, path="/_ministack/health")
    assert (status, body) == (200, b"ok")
    assert headers.keys() <= {"content-type", "content-length", "date"}


@pytest.mark.parametrize("page", FROM_A_PAGE, ids=str)
@pytest.mark.parametrize("path", ["/", "/_ministack/health"])
def test_a_page_is_refused_even_with_the_key(emulator, page, path):
    assert send(emulator, path=path, headers=signed(emulator) | page)[0] == 403
    assert send(emulator, path=path, headers=signed(emulator))[0] == 200


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("path", ["/", "/_ministack/health"])
def test_another_host_is_refused_even_with_the_key(emulator, host, path):
    named = {"Host": host.format(port=port_of(emulator))}
    assert send(emulator, path=path, headers=signed(emulator) | named)[0] in (400, 403)
    for own in (f"localhost:{port_of(emulator)}", f"LOCALHOST:{port_of(emulator)}"):
        assert send(emulator, path=path, headers=signed(emulator) | {"Host": own})[0] == 200


def raw(cloud, text: bytes) -> bytes:
    async def exchange() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(cloud))
        writer.write(text)
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        return answer

    return asyncio.run(exchange())


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.0\r\n{key}\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nHost: elsewhere.example\r\n{key}\r\n",
        "GET /_aws/execute-api/12345678/stage HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n{key}\r\n",
    ],
    ids=["no host", "two hosts", "WebSocket"],
)
def test_a_request_that_no_workshop_client_sends_is_refused(emulator, head):
    key = "Authorization: " + signed(emulator)["Authorization"] + "\r\n"
    text = head.format(host=f"127.0.0.1:{port_of(emulator)}", key=key)
    assert raw(emulator, text.encode()).split(b" ")[1] in (b"400", b"403")


def http2(cloud, headers: dict[str, str]) -> str:
    """Send one request in HTTP/2, which Hypercorn supports, too; return the status."""
    connection, client = socket.create_connection(("127.0.0.1", port_of(cloud)), 30), H2Connection()
    with connection:
        client.initiate_connection()
        first = {":method": "GET", ":path": "/", ":scheme": "http"}
        client.send_headers(1, list((first | headers).items()), end_stream=True)
        connection.sendall(client.data_to_send())
        while data := connection.recv(65536):
            for event in client.receive_data(data):
                if isinstance(event, ResponseReceived):
                    fields = {bytes(name): bytes(value) for name, value in event.headers}
                    assert not [name for name in fields if name.startswith(b"access-control-")]
                    return fields[b":status"].decode()
    raise AssertionError("no answer")


def test_http_2_requests_are_refused_by_the_same_rules(emulator):
    host = f"127.0.0.1:{port_of(emulator)}"
    key = {"authorization": signed(emulator)["Authorization"]}
    assert http2(emulator, {":authority": host}) == "403"
    assert http2(emulator, {":authority": "elsewhere.example"} | key) == "403"
    assert http2(emulator, {":authority": host, "origin": "null"} | key) == "403"


OTHER_KEYS = ["test", "000000000000", "AKIA" + "Z" * 16, "", "{key}X", "{key_lower}",
              "X, Credential={key}"]  # fmt: skip


@pytest.mark.parametrize("other", OTHER_KEYS)
def test_another_key_is_refused_in_a_header_and_in_a_url(emulator, other):
    key = emulator.session.get_credentials().access_key
    other = other.format(key=key, key_lower=key.lower())
    header = f"AWS4-HMAC-SHA256 Credential={other}/20261125/us-east-1/s3/aws4_request, Signature=b"
    assert send(emulator, headers={"Authorization": header})[0] == 403
    query = "/?" + urlencode({"X-Amz-Credential": f"{other}/20261125/us-east-1/s3/aws4_request"})
    assert send(emulator, path=query)[0] == 403
    # Nor together with the right key: the emulator might use either.
    assert send(emulator, path=query, headers=signed(emulator))[0] == 403


@pytest.mark.parametrize("service", ["s3", "sts", "kinesis", "lambda", "cloudwatch", "dynamodb"])
def test_a_client_with_another_key_gets_invalid_client_token_id(emulator, service):
    client = boto3.client(
        service,
        "us-east-1",
        endpoint_url=emulator.endpoint,
        aws_access_key_id="AKIA" + "Z" * 16,
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    call = {
        "s3": lambda: client.put_object(Bucket="any", Key="k", Body=bytes(3_000_000)),
        "sts": lambda: client.get_caller_identity(),
        "kinesis": lambda: client.list_streams(),
        "lambda": lambda: client.list_functions(),
        "cloudwatch": lambda: client.list_metrics(),
        "dynamodb": lambda: client.list_tables(),
    }[service]
    with pytest.raises(ClientError) as refused:
        call()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_presigned_url_of_our_own_is_answered(emulator):
    s3 = emulator.session.client(
        "s3", endpoint_url=emulator.endpoint, config=Config(signature_version="s3v4")
    )
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="k", Body=b"text")
    url = s3.generate_presigned_url("get_object", {"Bucket": "presigned", "Key": "k"})
    assert send(emulator, path=url.removeprefix(emulator.endpoint))[::2] == (200, b"text")
    assert send(emulator, path="/presigned/k")[0] == 403


def test_refusals_are_logged_without_keys(tmp_path):
    with running_emulator(tmp_path) as cloud:
        log = tmp_path / "log"
        secret = "AKIA" + "S" * 16
        header = {"Authorization": f"AWS4-HMAC-SHA256 Credential={secret}/a/b/c/d"}
        send(cloud, "POST", f"/a%0Ab?X-Amz-Credential={secret}", header)
        until(lambda: "refused with 403" in log.read_text(), 30)
        assert "POST '/a\\nb': it does not carry this run's access key" in log.read_text()
        deadline, sent = time.monotonic() + 60, 0
        while "more before it" not in log.read_text() and time.monotonic() < deadline:
            send(cloud, path="/", headers={"Origin": "http://elsewhere.example"})
            sent += 1
        lines = [line for line in log.read_text().splitlines() if "refused with 403" in line]
        assert 2 <= len(lines) < sent
        text = log.read_text()
        assert secret not in text and cloud.session.get_credentials().access_key not in text
