"""Counts primes, which PyPy does many times faster than CPython."""

import platform
import time


def primes_below(limit):
    sieve = bytearray([1]) * limit
    for n in range(2, int(limit**0.5) + 1):
        if sieve[n]:
            for multiple in range(n * n, limit, n):
                sieve[multiple] = 0
    return sum(sieve[2:])


def application(environ, start_response):
    begin = time.perf_counter()
    count = primes_below(1000000)
    took = time.perf_counter() - begin
    python = "%s %s" % (platform.python_implementation(), platform.python_version())
    body = "%d primes below a million, counted in %.3f s by %s\n" % (count, took, python)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]
