"""A lender's server that webhooks are sent to: real sockets and real TLS under a name that only its policy knows."""

from __future__ import annotations

import datetime
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.integration.addresses import AddressPolicy

HOST = "hooks.bank.example"


@dataclass
class Receiver:
    """What came in, and how it is answered: ``answers`` in turn, then with the status ``otherwise`` says, given the
    headers and the body. ``slow``: seconds between two bytes.
    """

    port: int
    tls: ssl.SSLContext
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    slow: float = 0
    otherwise: Callable[[Mapping[str, str], bytes], int] = lambda headers, body: 204

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/in?house=a"

    @property
    def policy(self) -> AddressPolicy:
        """Allows this very machine, and nothing else."""
        return AddressPolicy((self.port,), lambda address: address.is_loopback, lambda host, port: ["127.0.0.1"])


@contextmanager
def receiving(folder: Path, name: str = HOST) -> Iterator[Receiver]:
    """A server on a free port with a certificate for ``name``."""
    certificate = _certificate(folder, name)
    receiver = Receiver(0, ssl.create_default_context(cafile=str(certificate)))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            said = {key.lower(): value for key, value in self.headers.items()}
            receiver.came.append((said, body))
            status, headers = receiver.answers.pop(0) if receiver.answers else (receiver.otherwise(said, body), {})
            if receiver.slow:
                self._drip()
                return
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            receiver.came.append(({"method": "GET"}, b""))
            self.send_response(200)
            self.end_headers()

        def _drip(self) -> None:
            for byte in b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 500:
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    return
                time.sleep(receiver.slow)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            # Whoever asked may be gone, which is what is tried.
            if not isinstance(sys.exception(), OSError):
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(certificate, folder / "key.pem")
    server.socket = serves.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    path = folder / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path
