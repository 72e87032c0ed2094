"""How often something may be tried: a bucket of tries for each key, refilled slowly."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_KEYS = 10_000
"""Remembered; the oldest is forgotten first, so that many invented names cannot fill the memory."""


class Throttle:
    """Tries per key; safe between threads."""

    def __init__(self, tries: int, refill_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A full bucket for everybody.

        Args:
            tries: that may follow each other at once.
            refill_s: seconds until one more is allowed.
            clock: seconds, never going back.
        """
        self._tries, self._refill_s, self._clock = float(tries), refill_s, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> float:
        """Take one try: 0.0 when it is allowed, else the seconds until the next is, and nothing is taken."""
        with self._lock:
            now = self._clock()
            left, since = self._buckets.pop(key, (self._tries, now))
            left = min(self._tries, left + (now - since) / self._refill_s)
            wait = 0.0 if left >= 1.0 else (1.0 - left) * self._refill_s
            self._buckets[key] = (left - 1.0 if wait == 0.0 else left, now)
            while len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
            return wait

    def forgive(self, key: str) -> None:
        """Fill a bucket again, after a success."""
        with self._lock:
            self._buckets.pop(key, None)
