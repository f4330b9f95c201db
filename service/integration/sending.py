"""One POST of a webhook: to the address that was judged, under the name that was given, no farther and not for ever."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from service.integration.addresses import Target

#: Bytes of an answer that are read; what it says is not kept.
_READ = 4_096
_LATE = "No answer in time."


@dataclass(frozen=True)
class Outcome:
    """What came of a try. ``status`` is ``None`` without an answer; ``fault`` is empty when it was delivered."""

    status: int | None
    fault: str = ""


class _Pinned(http.client.HTTPSConnection):
    """Connects to ``target.address``; certificate, SNI and Host header are of ``target.host``.

    The name is not looked up again, and no proxy of the environment is asked.
    """

    def __init__(self, target: Target, seconds: float, tls: ssl.SSLContext):
        super().__init__(target.host, target.port, timeout=seconds)
        self._target = target
        self._tls = tls
        self.is_late = False

    def connect(self) -> None:
        self.sock = socket.create_connection((self._target.address, self._target.port), self.timeout)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._target.host, do_handshake_on_connect=False)
        self.sock.do_handshake()

    def shut(self) -> None:
        """Time is up: end whatever it waits for, from another thread."""
        self.is_late = True
        with suppress(OSError):
            if self.sock is not None:
                # Not TLS's own shutdown, which would say goodbye and wait for it.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def send(target: Target, headers: Mapping[str, str], body: bytes, seconds: float, tls: ssl.SSLContext) -> Outcome:
    """POST ``body``; delivered when the answer is 2xx within ``seconds`` in all. A redirect is not followed."""
    connection = _Pinned(target, seconds, tls)
    # The socket's own limit is for one step; a receiver that sends a byte now and then would hold us for ever.
    alarm = threading.Timer(seconds, connection.shut)
    alarm.daemon = True
    alarm.start()
    try:
        sent = {"Content-Type": "application/json", "User-Agent": "Rongqiao-Webhooks/1", **headers}
        connection.request("POST", target.path, body, sent)
        answer = connection.getresponse()
        answer.read(_READ)
        status = answer.status
    except TimeoutError:
        return Outcome(None, _LATE)
    except ssl.SSLCertVerificationError:
        return Outcome(None, "The certificate is not one of this name that is trusted.")
    except (OSError, http.client.HTTPException) as problem:
        return Outcome(None, _LATE if connection.is_late else f"No answer: {type(problem).__name__}.")
    finally:
        alarm.cancel()
        connection.close()
    if connection.is_late:
        # Headers that were cut off look whole to the parser.
        return Outcome(None, _LATE)
    if 200 <= status < 300:
        return Outcome(status)
    if 300 <= status < 400:
        return Outcome(status, "It answered with a redirect, which is not followed.")
    return Outcome(status, f"It answered {status}.")
