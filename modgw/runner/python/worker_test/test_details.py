"""The details of an exception for a developer: enough, bounded, and without secrets."""

import json
import os
import sys
import unittest

from fakehost import WorkerTestCase

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "worker"))

from modgw_worker.details import explain  # noqa: E402

DISHONEST = """
class Sour:
    def __repr__(self):
        raise KeyboardInterrupt("no")

class Vast(dict):
    pass

def price(basket):
    sour = Sour()
    password = "hunter2"
    settings = {"api_key": "hunter2", "debug": True, "nested": [{"Cookie": "hunter2"}]}
    big = "x" * 1_000_000
    many = list(range(100_000))
    empty_token = ""
    circle = []
    circle.append(circle)
    return basket["apple"]

def buy():
    try:
        price({"pear": 5})
    except KeyError as error:
        raise ValueError("cannot buy an apple") from error

def deep(n):
    return deep(n + 1)
"""


class Details(WorkerTestCase):
    def setUp(self):
        super().setUp()
        self.module = {"__name__": "shop"}
        path = self.write("shop.py", DISHONEST)
        exec(compile(DISHONEST, path, "exec"), self.module)

    def explain(self, call):
        try:
            call()
        except BaseException as error:
            text = explain(error)
        return text, json.loads(text)

    def test_chain_frames_and_source(self):
        _, (first, second) = self.explain(self.module["buy"])
        self.assertEqual((first["type"], first["link"]), ("KeyError", ""))
        self.assertEqual(
            (second["type"], second["message"], second["link"]),
            ("ValueError", "cannot buy an apple", "cause"),
        )
        frame = first["frames"][-1]
        self.assertTrue(frame["own"])
        self.assertEqual(frame["function"], "price")
        self.assertEqual(
            frame["source"][frame["line"] - frame["first"]].strip(), 'return basket["apple"]'
        )

    def test_secrets_are_masked_and_bad_reprs_survived(self):
        text, (first, _) = self.explain(self.module["buy"])
        values = {local["name"]: local["value"] for local in first["frames"][-1]["locals"]}
        mask = "\u2022" * 6
        self.assertEqual(values["basket"], "{'pear': 5}")
        self.assertEqual(values["password"], mask)
        self.assertEqual(values["empty_token"], "''")
        self.assertIn("'debug': True", values["settings"])
        self.assertEqual(values["settings"].count(mask), 2)
        self.assertIn("KeyboardInterrupt", values["sour"])
        for frame in first["frames"]:
            for local in frame["locals"]:
                self.assertNotIn("hunter2", local["value"])
                self.assertLess(len(local["value"]), 700)
        self.assertLess(len(text), 20_000)

    def test_endless_recursion_is_cut(self):
        text, (error,) = self.explain(lambda: self.module["deep"](0))
        self.assertEqual(error["type"], "RecursionError")
        self.assertEqual(len(error["frames"]), 60)
        self.assertGreater(error["skipped"], 100)
        self.assertLess(len(text), 250_000)

    def test_syntax_error_points_at_its_place(self):
        path = self.write("broken.py", "x = 1\nprint(\n")
        _, (error,) = self.explain(lambda: compile("x = 1\nprint(\n", path, "exec"))
        frame = error["frames"][-1]
        self.assertEqual(frame["file"], path)
        self.assertEqual(frame["source"][:2], ["x = 1", "print("])
        self.assertGreater(frame["line"], 1)


if __name__ == "__main__":
    unittest.main()
