"""Request lines and whether they are beacons: one table for both servers and all that count.

`SENT` has the answer of both servers to each line; lines with the answer 200 are beacons.
`stored()` returns records with a request line, a status and a browser, and whether each counts.
"""

BEACON, NOT_FOUND, BAD = 200, 404, 400
SENT: dict[bytes, int] = {
    b"GET /beacon HTTP/1.1": BEACON,
    b"POST /beacon HTTP/1.1": BEACON,
    b"GET /beacon HTTP/1.0": BEACON,
    b"GET /beacon HTTP/1.2": BEACON,
    b"GET /beacon? HTTP/1.1": BEACON,
    b"GET /beacon?event=click&page=%2Fcart HTTP/1.1": BEACON,
    b"POST /beacon?a=/beacon HTTP/1.1": BEACON,
    b"GET /beacon?u=http://x/beacon HTTP/1.1": BEACON,
    b"GET /beacon?q=\xc3\xa9\xff HTTP/1.1": BEACON,
    b"GET /beacon??/./ HTTP/1.1": BEACON,
    b"GET /beacon?%zz HTTP/1.1": BEACON,
    # The same path in another spelling.
    b"GET http://shop.example/beacon HTTP/1.1": NOT_FOUND,
    b"POST http://shop.example:8080/beacon HTTP/1.1": NOT_FOUND,
    b"GET HTTP://SHOP.EXAMPLE/beacon?a=b HTTP/1.1": NOT_FOUND,
    b"GET https://shop.example/beacon HTTP/1.1": NOT_FOUND,
    b"GET http://shop.example//beacon HTTP/1.1": NOT_FOUND,
    b"GET http:///beacon HTTP/1.1": NOT_FOUND,
    b"GET //beacon HTTP/1.1": NOT_FOUND,
    b"POST //beacon HTTP/1.1": NOT_FOUND,
    b"GET ///beacon?a=b HTTP/1.1": NOT_FOUND,
    b"GET /./beacon HTTP/1.1": NOT_FOUND,
    b"GET /././/beacon HTTP/1.1": NOT_FOUND,
    b"GET /x/../beacon HTTP/1.1": NOT_FOUND,
    b"POST /x/y/../../beacon?a=b HTTP/1.1": NOT_FOUND,
    b"GET /beacon/../beacon HTTP/1.1": NOT_FOUND,
    b"GET /%62eacon HTTP/1.1": NOT_FOUND,
    b"GET /beaco%6e HTTP/1.1": NOT_FOUND,
    b"GET /beaco%6E HTTP/1.1": NOT_FOUND,
    b"GET /%62%65%61%63%6f%6e?a=b HTTP/1.1": NOT_FOUND,
    b"GET /%2e/beacon HTTP/1.1": NOT_FOUND,
    b"GET /%2E/beacon HTTP/1.1": NOT_FOUND,
    b"GET /x/%2e%2e/beacon HTTP/1.1": NOT_FOUND,
    b"HEAD //beacon HTTP/1.1": NOT_FOUND,
    b"PUT //beacon HTTP/1.1": NOT_FOUND,
    # Other paths.
    b"GET /beacon/ HTTP/1.1": NOT_FOUND,
    b"GET /beacon/. HTTP/1.1": NOT_FOUND,
    b"GET /beacon/x/.. HTTP/1.1": NOT_FOUND,
    b"GET /beacon// HTTP/1.1": NOT_FOUND,
    b"GET /beacons HTTP/1.1": NOT_FOUND,
    b"GET /beacon;v=1 HTTP/1.1": NOT_FOUND,
    b"GET /beacon%20 HTTP/1.1": NOT_FOUND,
    b"GET /beacon%3Fa=b HTTP/1.1": NOT_FOUND,
    b"GET /beacon%23 HTTP/1.1": NOT_FOUND,
    b"GET /%2fbeacon HTTP/1.1": NOT_FOUND,
    b"GET /beacon%00 HTTP/1.1": NOT_FOUND,
    b"GET /Beacon HTTP/1.1": NOT_FOUND,
    b"GET /%2562eacon HTTP/1.1": NOT_FOUND,
    b"GET /x?/beacon HTTP/1.1": NOT_FOUND,
    b"GET /no/such/page HTTP/1.1": NOT_FOUND,
    # Other methods, and invalid lines.
    b"HEAD /beacon HTTP/1.1": 405,
    b"PUT /beacon HTTP/1.1": 405,
    b"FETCH /beacon HTTP/1.1": 405,
    b"get /beacon HTTP/1.1": 405,
    b"OPTIONS /beacon HTTP/1.1": 204,
    b"OPTIONS //beacon HTTP/1.1": 204,
    b"OPTIONS http://shop.example/beacon HTTP/1.1": 204,
    b"GET /../beacon HTTP/1.1": BAD,
    b"GET /beacon%zz HTTP/1.1": BAD,
    b"GET /beacon": BAD,
    b"GET /beacon#top HTTP/1.1": BAD,
    b"GET beacon HTTP/1.1": BAD,
    b"GET  /beacon HTTP/1.1": BAD,
    b"GET /beacon x HTTP/1.1": BAD,
}
STATUSES = (200, 204, 404, 405, 408, None)
AGENTS = (
    None,
    "",
    "Mozilla/5.0",
    "ELB-HealthChecker/2.0",
    "not ELB-HealthChecker",
    "elb-healthchecker",
)
_ODD = {  # no server answers these with 200, but a record may have them with that status
    "GET /beacon": True,
    "GET /beacon x HTTP/1.1": True,
    "POST /beacon?": True,
    "GET /beacon\n": False,
    "GET /beacon\r\n": False,
    "GET /beacon\u2028": False,
    "GET /beacon\tHTTP/1.1": False,
    "GET /beacon \n": True,
    "GET /beacon?\n\n": True,
    "x\nGET /beacon HTTP/1.1": False,
    "-": False,
    "": False,
    "GET": False,
    " GET /beacon HTTP/1.1": False,
    "GET /a?GET /beacon HTTP/1.1": False,
}


def stored() -> list[tuple[dict, bool]]:
    """Return the fields of records, and whether each is a beacon."""
    lines: dict[str | None, bool] = {
        line.decode("utf-8", "backslashreplace"): status == BEACON for line, status in SENT.items()
    }
    lines |= _ODD | {None: False}
    rows = [({"request": line, "response": 200}, counted) for line, counted in lines.items()]
    for status in STATUSES:
        for agent in AGENTS:
            fields = {"request": "GET /beacon HTTP/1.1", "response": status, "agent": agent}
            health = str(agent).startswith("ELB-HealthChecker")
            rows.append((fields, status == 200 and not health))
    return rows
