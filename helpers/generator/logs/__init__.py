"""Access logs of other servers: their formats, their files, and the beacon of each request."""
