"""The worker of modgw: runs one Python app and answers requests that the host sends over Unix
sockets.

It speaks the protocol of modgw/wire, needs nothing but the standard library, and does no HTTP: the
host does that.
"""
