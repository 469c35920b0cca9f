"""Sends a thread's answers, several at once if they come soon after each other."""

from . import wire

_HOLD_BYTES = 64 << 10  # so many bytes of answers wait for the rest of their batch at most


class Answers:
    """A connection whose answers are sent in batches."""

    def put(self, frame):
        """Sends a frame at the end of the batch, or at once when much waits already."""
        self._answers.append(frame)
        self._held += len(frame)
        if self._held > _HOLD_BYTES:
            self.flush()

    def put_large(self, header, piece):
        """Sends a frame whose payload is too large to be copied."""
        self.flush()
        self._send((header, piece), ())

    def put_descriptor(self, frame, fd):
        """Sends a frame and with its first byte a file descriptor."""
        self.flush()
        self._send((frame,), wire.rights(fd))

    def flush(self):
        """Sends all frames that wait."""
        if self._answers:
            if self.current is None:
                self._flush()
            else:
                self._pace.send(self._flush)

    def _flush(self):
        try:
            with self._sending:
                self._send_answers()
        except OSError as error:
            self._lose_for(error)

    def _send_answers(self):
        answers = self._answers
        count = len(answers)  # The thread may add more meanwhile.
        if count:
            data = answers[0] if count == 1 else b"".join(answers[:count])
            del answers[:count]
            self._held = 0
            self.socket.sendall(data)

    def _send(self, parts, ancillary):
        try:
            with self._sending:
                sent = self.socket.sendmsg(parts, ancillary)
                for part in parts:
                    if sent < len(part):
                        self.socket.sendall(memoryview(part)[sent:])
                    sent = max(0, sent - len(part))
        except OSError as error:
            self._lose_for(error)
