"""Which requests the callables of an authorize block let pass."""

from fakehost import WorkerTestCase

APP = """
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"the app"]
def check_password(environ, user, password):
    known = password == user.upper() if user != "unknown" else None
    return {"name": "another name"}.get(user, known)
def groups_for_user(environ, user):
    return {"editor": ["editors", "all"], "another name": ("all",)}.get(user)
def allow_access(environ, host):
    return {"10.0.0.1": False, "10.0.0.2": True}.get(host)
"""


class Authorizer(WorkerTestCase):
    def authorizer(self, groups=(), **callables):
        path = self.write("app.wsgi", APP)
        worker = self.worker(path, start=False)
        worker.start_message["authorize"] = {
            question: path + callables[question] if question in callables else ""
            for question in ("check_password", "groups_for_user", "allow_access")
        }
        worker.start_message["groups"] = list(groups)
        worker.start()
        worker.ready()
        return worker

    def ask(self, worker, **variables):
        variables.setdefault("REMOTE_ADDR", "127.0.0.1")
        answer = worker.get(**{"modgw.authorizer": "1"}, **variables)
        self.assertNotIn(b"the app", answer.body)
        return answer.status

    def test_passwords(self):
        worker = self.authorizer(check_password=":check_password")
        self.assertEqual(worker.get().body, b"the app")
        role = {"FCGI_APACHE_ROLE": "AUTHENTICATOR"}
        self.assertEqual(self.ask(worker, REMOTE_USER="a", REMOTE_PASSWD="A", **role), 200)
        self.assertEqual(self.ask(worker, REMOTE_USER="name", REMOTE_PASSWD="x", **role), 200)
        self.assertEqual(self.ask(worker, REMOTE_USER="a", REMOTE_PASSWD="a", **role), 401)
        self.assertEqual(
            self.ask(worker, REMOTE_USER="unknown", REMOTE_PASSWD="UNKNOWN", **role), 401
        )
        self.assertEqual(self.ask(worker, REMOTE_USER="a", **role), 401)
        self.assertEqual(self.ask(worker), 401)

    def test_passwords_that_the_server_has_not_split(self):
        worker = self.authorizer(check_password="")  # the usual name
        for header, status in {
            "Basic YTpB": 200,  # a:A
            "basic YTpi": 401,  # a:b
            "Basic YTo=": 401,  # a:
            "Basic !": 401,
            "Bearer YTpB": 401,
            "": 401,
        }.items():
            with self.subTest(header):
                self.assertEqual(self.ask(worker, HTTP_AUTHORIZATION=header), status)

    def test_groups(self):
        worker = self.authorizer(
            ["editors"], check_password=":check_password", groups_for_user=":groups_for_user"
        )
        role = {"FCGI_APACHE_ROLE": "AUTHORIZER"}
        self.assertEqual(self.ask(worker, REMOTE_USER="editor", **role), 200)
        self.assertEqual(self.ask(worker, REMOTE_USER="reader", **role), 403)
        self.assertEqual(self.ask(worker, REMOTE_USER="name", REMOTE_PASSWD="x"), 403)
        self.assertEqual(self.ask(worker, REMOTE_USER="editor", REMOTE_PASSWD="EDITOR"), 200)

    def test_hosts(self):
        worker = self.authorizer(allow_access=":allow_access")
        self.assertEqual(self.ask(worker, REMOTE_ADDR="10.0.0.1"), 403)
        self.assertEqual(self.ask(worker, REMOTE_ADDR="10.0.0.2"), 200)
        self.assertEqual(self.ask(worker, REMOTE_ADDR="10.0.0.3"), 200)

    def test_nobody_passes_when_nothing_is_asked(self):
        self.assertEqual(self.ask(self.authorizer()), 403)

    def test_a_callable_that_is_not_there(self):
        path = self.write("app.wsgi", APP)
        worker = self.worker(path, start=False)
        worker.start_message["authorize"] = {"check_password": path + ":missing"}
        worker.start_message["groups"] = []
        worker.start()
        self.assertIn("cannot find missing", worker.failed()["message"])
