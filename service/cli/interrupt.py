"""Ctrl-C that cannot get lost.

A ``KeyboardInterrupt`` that happens to be raised inside a destructor or a library's callback is swallowed there, and
Arrow takes the signal for itself while it reads. So the signal is also remembered, and the next report of progress
raises it again.
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
        pa.enable_signal_handlers(False)
        signal.signal(signal.SIGINT, _interrupted)


def stop_if_pressed() -> None:
    """Raise ``KeyboardInterrupt`` if one was asked for and did not get through."""
    if _pressed.is_set():
        raise KeyboardInterrupt


def _interrupted(number: int, frame: FrameType | None) -> None:
    _pressed.set()
    raise KeyboardInterrupt
