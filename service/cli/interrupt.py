"""Ctrl-C that stops between two steps of the work.

An exception raised wherever the signal happens to arrive can fall into a destructor, where it is swallowed, or into a
library's callback, where it aborts the process. So the first Ctrl-C is remembered and the next report of progress
raises it; a second one raises at once.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

import pyarrow as pa

_pressed = threading.Event()


def listen() -> None:
    """Handle SIGINT from now on, where Python would have; a process told to ignore it goes on ignoring it."""
    _pressed.clear()
    on_main = threading.current_thread() is threading.main_thread()
    if on_main and signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _interrupted):
        pa.enable_signal_handlers(False)  # Arrow would take the signal for itself while it reads
        signal.signal(signal.SIGINT, _interrupted)


def stop_if_pressed() -> None:
    """Raise ``KeyboardInterrupt`` if Ctrl-C was pressed since :func:`listen`."""
    if _pressed.is_set():
        raise KeyboardInterrupt


def _interrupted(number: int, frame: FrameType | None) -> None:
    if _pressed.is_set():
        raise KeyboardInterrupt
    _pressed.set()
