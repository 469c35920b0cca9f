"""The bookkeeping of the memory that host and worker share."""

import os
import sys
import unittest

from fakehost import WORKER

sys.path.insert(0, WORKER)
from modgw_worker import area, wire  # noqa: E402


class PlotTest(unittest.TestCase):
    def setUp(self):
        self.plot = area.Plot(bytearray(2 * wire.AREA_WINDOW), 0)

    def test_pieces_go_round_and_never_over_what_the_host_still_has(self):
        plot, window = self.plot, wire.AREA_WINDOW
        self.assertEqual(plot.room(10), 10)
        self.assertEqual(plot.lend(b"x" * 10, 10), 0)
        self.assertEqual(plot.room(2 * window), window - 10)
        self.assertEqual(plot.lend(memoryview(b"y" * (window - 10)), window - 10), 10)
        self.assertEqual(plot.room(1), 0)
        plot.regain(10)
        self.assertEqual(plot.room(100), 10)
        self.assertEqual(plot.lend(b"z" * 5, 5), 0)
        self.assertEqual(bytes(plot.memory[:11]), b"zzzzzxxxxxy")

    def test_all_that_came_back_is_used_from_the_beginning(self):
        self.plot.lend(b"x" * 100, 100)
        self.plot.regain(100)
        self.assertEqual(self.plot.lend(b"y", 1), 0)

    def test_the_host_is_told_of_half_a_window_at_once(self):
        half = wire.AREA_WINDOW // 2
        self.assertEqual(self.plot.returned(half - 1), 0)
        self.assertEqual(self.plot.returned(2), half)
        self.assertEqual(self.plot.returned(1), 0)

    def test_the_host_is_told_of_all_only_when_the_app_waits(self):
        half = wire.AREA_WINDOW // 2
        self.assertEqual(self.plot.returned(half), half - 1)
        self.assertEqual(self.plot.unreported(), 1)


class ShelfTest(unittest.TestCase):
    def setUp(self):
        self.shelf = area.Shelf(bytearray(wire.SHELF_SIZE))

    def test_a_slot_is_free_when_all_up_to_its_end_came_back(self):
        shelf = self.shelf
        first = shelf.lend(7, b"a" * 100, 100, due=130)  # 30 bytes were sent before
        second = shelf.lend(7, b"b" * 50, 50, due=180)
        shelf.regain(7, 129)
        self.assertNotIn(shelf.lend(8, b"c", 1, due=1), (first, second))
        shelf.regain(7, 1)
        self.assertEqual(shelf.lend(9, b"d", 1, due=1), first)
        shelf.regain(7, 50)
        self.assertEqual(shelf.lend(9, b"e", 1, due=2), second)

    def test_there_is_an_end_to_slots_and_all_come_back(self):
        shelf, count = self.shelf, wire.SHELF_SIZE // area.SLOT
        slots = {shelf.lend(stream, b"x", 1, due=1) for stream in range(count)}
        self.assertEqual(slots, set(range(0, wire.SHELF_SIZE, area.SLOT)))
        self.assertIsNone(shelf.lend(count, b"x", 1, due=1))
        for stream in range(count + 1):
            shelf.regain(stream, 5)
        self.assertEqual({shelf.lend(1, b"x", 1, due=1) for _ in range(count)}, slots)

    def test_what_comes_back_of_other_streams_changes_nothing(self):
        slot = self.shelf.lend(1, b"x", 1, due=1)
        self.shelf.regain(2, 1000)
        self.assertNotEqual(self.shelf.lend(3, b"y", 1, due=1), slot)


class SharesTest(unittest.TestCase):
    def test_a_file_that_cannot_be_mapped_is_closed_and_shares_nothing(self):
        for start in ({"kind": "wsgi", "threads": 3}, {"kind": "asgi", "threads": 1}):
            reading, writing = os.pipe()
            os.close(writing)
            self.assertEqual(area.open_shares(start, reading), [None] * start["threads"])
            self.assertRaises(OSError, os.fstat, reading)


if __name__ == "__main__":
    unittest.main()
