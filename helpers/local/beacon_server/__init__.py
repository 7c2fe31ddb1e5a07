"""The local target's beacon server: answers and logs as Apache httpd with assets/fleet/httpd.conf.

    connection        one client's connection: requests in, answers out
    service           what the connections share; each request is logged, then answered
    apache_request    the head of a request, as Apache reads it; with header_fields and authority
    body              the body, which is read and forgotten
    answers, pages    what a request is answered, and the demo shop's files
    apache_log        the access log, as Apache writes it
    rate_limited_log  what goes wrong, on standard error

Its processes import the standard library and two small modules of the workshop: a server is small,
and starts at once.
"""
