"""The key that signs the ends of the journal: Ed25519, in a file of the office that only its owner reads."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.office import Office
from service.opaque import office_key

_FILE = "audit-anchor.key"
_ALGORITHM = "Ed25519"


class AnchorKey:
    """Signs and checks anchors. The public key stands in every anchor, so that an outsider who was given it once can
    check anchors that were copied off the machine.
    """

    def __init__(self, office: Office):
        self._private = Ed25519PrivateKey.from_private_bytes(office_key(office.home, _FILE))
        self._public = self._private.public_key().public_bytes_raw()

    def sign(self, content: bytes) -> dict[str, str]:
        """Algorithm, public key and signature; the last two in hex."""
        return {
            "algorithm": _ALGORITHM,
            "public_key": self._public.hex(),
            "value": self._private.sign(content).hex(),
        }

    def verify(self, content: bytes, signature: Any) -> bool:
        """Whether this office's key signed ``content``."""
        try:
            if signature["algorithm"] != _ALGORITHM or bytes.fromhex(signature["public_key"]) != self._public:
                return False
            Ed25519PublicKey.from_public_bytes(self._public).verify(bytes.fromhex(signature["value"]), content)
        except (InvalidSignature, KeyError, TypeError, ValueError):
            return False
        return True
