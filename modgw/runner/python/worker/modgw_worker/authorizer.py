"""Answers whether requests for something else may pass, with callables as mod_wsgi has them."""

import base64

from . import entry

_ROLE = "FCGI_APACHE_ROLE"  # the question of mod_authnz_fcgi


def guard(app, start):
    """A WSGI app that answers requests that the host marks as questions, and passes the rest to
    app. Raises LoadError."""
    ask = {
        question: entry.load_callable(text, start["root"], question)
        for question, text in start["authorize"].items()
        if text
    }
    authorizer = _Authorizer(ask, start["groups"], start["app"])

    def guarded(environ, start_response):
        if "modgw.authorizer" in environ:
            return authorizer.answer(environ, start_response)
        return app(environ, start_response)

    return guarded


class _Authorizer:
    def __init__(self, ask, groups, realm):
        self._ask = ask
        self._groups = frozenset(groups)
        self._denied = "401 Unauthorized", [("WWW-Authenticate", 'Basic realm="%s"' % realm)]

    def answer(self, environ, start_response):
        status, headers = self._judge(environ)
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", "0"), *headers])
        return []

    def _judge(self, environ):
        user, password = _credentials(environ)
        role = environ.get(_ROLE, "")
        known = environ.get("REMOTE_USER", "")
        if not self._ask:
            return "403 Forbidden", []
        if "allow_access" in self._ask:
            verdict = self._ask["allow_access"](environ, environ.get("REMOTE_ADDR", ""))
            if isinstance(verdict, str) and verdict:  # whom the app takes the client for
                known = verdict
            elif verdict not in (True, None):
                return "403 Forbidden", []
        if password is not None and "check_password" in self._ask:
            verdict = self._ask["check_password"](environ, user, password)
            if isinstance(verdict, str):  # the name by which the app knows the user
                known = verdict
            elif verdict is True:
                known = user
            else:
                return self._denied
        elif "check_password" in self._ask and (not known or role == "AUTHENTICATOR"):
            return self._denied
        if role != "AUTHENTICATOR" and not self._is_member(environ, known):
            return "403 Forbidden", []
        return "200 OK", (
            [("Variable-MODGW_USER", known)]
            if known and known.isprintable() and known.isascii()
            else []
        )

    def _is_member(self, environ, user):
        if not self._groups:
            return True
        if not user or "groups_for_user" not in self._ask:
            return False
        return not self._groups.isdisjoint(self._ask["groups_for_user"](environ, user) or ())


def _credentials(environ):
    """The user and the password that the client sent; the password is None if there is none."""
    if "REMOTE_PASSWD" in environ:
        return environ.get("REMOTE_USER", ""), environ["REMOTE_PASSWD"]
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return "", None
    try:
        user, colon, password = (
            base64.b64decode(token.strip(), validate=True).decode("latin-1").partition(":")
        )
    except ValueError:
        return "", None
    return (user, password) if colon else ("", None)
