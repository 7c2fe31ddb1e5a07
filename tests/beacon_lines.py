"""Request lines, and which of them are beacons: one table for the servers and for all who count.

`SENT` goes over HTTP to both servers: what each is answered. Of these exactly those that are
answered 200 are counted, but for the health check's. `STORED` are lines as a record may hold them,
whoever put it: a status, a browser, and whether it counts.
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
    # The same path in another spelling: what a server that answers 200 would make of it.
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
    # Other methods, and lines that are none.
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
_ODD = {  # request lines that no server answers 200, but a record of that status may hold
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
