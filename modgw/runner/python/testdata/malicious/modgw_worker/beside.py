"""Obeys the host in a thread of its own, where the app has the main thread."""

import threading


def start(task, stop):
    """Runs task in another thread, and stop when it has ended. Returns the thread."""

    def run():
        try:
            task()
        finally:
            stop()

    thread = threading.Thread(target=run, name="modgw-host", daemon=True)
    thread.start()
    return thread
