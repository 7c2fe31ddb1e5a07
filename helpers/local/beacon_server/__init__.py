"""The local target's beacon server: answers and logs as Apache httpd with assets/fleet/httpd.conf.

    connection        one client's connection: reads requests, sends answers
    service           shared by all connections; each request is logged, then answered
    apache_request    the head of a request, as Apache reads it; with header_fields and authority
    body              the body, which is read and discarded
    answers, pages    a request's answer, and the demo shop's files
    apache_log        the access log, as Apache writes it
    rate_limited_log  problems, on standard error

Its processes import the standard library and two small modules of the workshop, so that a server is
small and starts quickly.
"""
