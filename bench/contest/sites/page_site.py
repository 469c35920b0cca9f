"""A site whose page shows its version, and whose import takes no time."""
import page

BODY = b"version=%04d" % page.VERSION
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


def application(environ, start_response):
    start_response("200 OK", HEADERS)
    return [BODY]
