"""The bookkeeping of the memory that host and worker share."""

import os
import sys
import unittest

from fakehost import WORKER

sys.path.insert(0, WORKER)
from modgw_worker import sharedbuffer, wire  # noqa: E402
from modgw_worker.body import Input  # noqa: E402


class ThreadBufferTest(unittest.TestCase):
    def setUp(self):
        self.shared = sharedbuffer.ThreadBuffer(bytearray(2 * wire.BUFFER_WINDOW), 0)

    def test_pieces_go_round_and_never_over_what_the_host_still_has(self):
        shared, window = self.shared, wire.BUFFER_WINDOW
        self.assertEqual(shared.room(10), 10)
        self.assertEqual(shared.put(b"x" * 10, 10), 0)
        self.assertEqual(shared.room(2 * window), window - 10)
        self.assertEqual(shared.put(memoryview(b"y" * (window - 10)), window - 10), 10)
        self.assertEqual(shared.room(1), 0)
        shared.release(10)
        self.assertEqual(shared.room(100), 10)
        self.assertEqual(shared.put(b"z" * 5, 5), 0)
        self.assertEqual(bytes(shared.memory[:11]), b"zzzzzxxxxxy")

    def test_all_that_came_back_is_used_from_the_beginning(self):
        self.shared.put(b"x" * 100, 100)
        self.shared.release(100)
        self.assertEqual(self.shared.put(b"y", 1), 0)

    def test_the_host_is_told_of_half_a_window_at_once(self):
        half = wire.BUFFER_WINDOW // 2
        self.assertEqual(self.shared.count_read(half - 1), 0)
        self.assertEqual(self.shared.count_read(2), half)
        self.assertEqual(self.shared.count_read(1), 0)

    def test_the_host_is_told_of_all_only_when_the_app_waits(self):
        half = wire.BUFFER_WINDOW // 2
        self.assertEqual(self.shared.count_read(half), half - 1)
        self.assertEqual(self.shared.take_unreported(), 1)


class MuxBufferTest(unittest.TestCase):
    def setUp(self):
        self.shared = sharedbuffer.MuxBuffer(bytearray(wire.MUX_BUFFER_SIZE))

    def test_a_slot_is_free_when_all_up_to_its_end_came_back(self):
        shared = self.shared
        first = shared.put(7, b"a" * 100, 100, due=130)  # 30 bytes were sent before
        second = shared.put(7, b"b" * 50, 50, due=180)
        shared.release(7, 129)
        self.assertNotIn(shared.put(8, b"c", 1, due=1), (first, second))
        shared.release(7, 1)
        self.assertEqual(shared.put(9, b"d", 1, due=1), first)
        shared.release(7, 50)
        self.assertEqual(shared.put(9, b"e", 1, due=2), second)

    def test_there_is_an_end_to_slots_and_all_come_back(self):
        shared, count = self.shared, wire.MUX_BUFFER_SIZE // sharedbuffer.SLOT
        slots = {shared.put(stream, b"x", 1, due=1) for stream in range(count)}
        self.assertEqual(slots, set(range(0, wire.MUX_BUFFER_SIZE, sharedbuffer.SLOT)))
        self.assertFalse(shared.has_room(1))
        for stream in range(count + 1):
            shared.release(stream, 5)
        self.assertEqual({shared.put(1, b"x", 1, due=1) for _ in range(count)}, slots)

    def test_what_comes_back_of_other_streams_changes_nothing(self):
        slot = self.shared.put(1, b"x", 1, due=1)
        self.shared.release(2, 1000)
        self.assertNotEqual(self.shared.put(3, b"y", 1, due=1), slot)


class KeptBodyTest(unittest.TestCase):
    """A body that the host keeps, in an exchange and a connection that only record returned bodies.
    """

    stream = 7

    def setUp(self):
        self.conn, self.returned, self.between = self, [], lambda: None
        self.shared = sharedbuffer.ThreadBuffer(None, 0, memoryview(b"..body.."))
        self.input = Input(self, b"")
        self.input.feed_kept([(2, 4)], True)

    def return_kept(self, stream):
        self.returned.append(stream)

    def check(self):
        pass

    def undisturbed(self, work, *arguments):
        result = work(*arguments)
        self.between()
        return result

    def test_it_is_returned_once_when_it_was_read(self):
        self.assertEqual(self.input.read(3), b"bod")
        self.assertEqual(self.returned, [])
        self.assertEqual(self.input.read(), b"y")
        self.input.drop()
        self.assertEqual(self.returned, [7])

    def test_it_is_returned_once_when_the_request_ends_while_another_thread_reads(self):
        self.between = self.input.drop
        self.assertEqual(self.input.read(), b"body")
        self.assertEqual(self.returned, [7])

    def test_it_is_returned_when_two_threads_have_counted_as_one(self):
        self.input._kept += 2  # as when one of two subtractions is lost
        self.assertEqual(self.input.read(4), b"body")
        self.input.drop()
        self.assertEqual(self.returned, [7])
        self.assertEqual(self.input.read(), b"")


class SharesTest(unittest.TestCase):
    def test_a_file_that_cannot_be_mapped_is_closed_and_shares_nothing(self):
        for start in ({"kind": "wsgi", "threads": 3}, {"kind": "asgi", "threads": 1}):
            reading, writing = os.pipe()
            os.close(writing)
            self.assertEqual(
                sharedbuffer.open_buffers(start, [reading]), [None] * start["threads"]
            )
            self.assertRaises(OSError, os.fstat, reading)


if __name__ == "__main__":
    unittest.main()
