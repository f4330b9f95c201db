"""Where webhooks may go: to public addresses under public names, decided when one is saved and again at every try.

A name may mean another machine at every look-up. So it is looked up once a try, everything it means must be public, and
the connection is made to one of the very addresses that were judged (:mod:`service.integration.sending`).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from models.errors import RefusedInput
from service.integration.terms import webhook_terms

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
#: A name in ASCII whose last label has a letter first: no other spelling of a number can be one.
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z][a-z0-9-]*[a-z0-9]", re.ASCII)
#: Endings that mean this machine or a private network (RFC 6761, 6762, 8375, and what clouds use).
_PRIVATE = ("localhost", "local", "localdomain", "internal", "intranet", "home.arpa", "lan", "corp", "onion")
#: Not public although ``ipaddress`` says so: ways to say an IPv4 address in IPv6, and clouds' own service addresses.
_ALSO_SHUT = tuple(
    map(
        ipaddress.ip_network,
        ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96",
         "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10"),
    )
)  # fmt: skip


class NotPublic(Exception):
    """The name means an address that nothing is sent to, or none."""


def is_public(address: Address) -> bool:
    """Whether anybody on the Internet may be behind it: not this machine, its networks, a cloud's metadata or a
    group.
    """
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return not any(address.version == shut.version and address in shut for shut in _ALSO_SHUT)


def look_up(host: str, port: int) -> list[str]:
    """What the name means now; empty for nothing."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True)
class AddressPolicy:
    """Which addresses are allowed; the parts a test replaces to reach a server of its own."""

    ports: Sequence[int]
    allows: Callable[[Address], bool] = is_public
    resolve: Callable[[str, int], Sequence[str]] = look_up

    def pinned(self, url: str) -> Target:
        """Where to connect for this address now. ``RefusedInput`` for one that is not https to a public name, spelled
        plainly, on an allowed port; ``NotPublic`` when the look-up says so.

        One address that is not allowed among several is enough to refuse: the next look-up may give that one alone.
        """
        target = target_of(url, self.ports)
        try:
            found = [ipaddress.ip_address(each.partition("%")[0]) for each in self.resolve(target.host, target.port)]
        except ValueError:
            raise NotPublic("The name means no IP address.") from None
        if not found:
            raise NotPublic("The name means no address.")
        if not all(self.allows(each) for each in found):
            raise NotPublic("The name means an address that is not public.")
        return Target(target.host, target.port, target.path, str(found[0]))


def shipped_policy() -> AddressPolicy:
    """Public addresses only, on the ports of ``seed/webhooks.yaml``."""
    return AddressPolicy(webhook_terms().ports)


@dataclass(frozen=True)
class Target:
    """An address taken apart. ``address`` is the IP address to connect to, empty before the look-up."""

    host: str
    port: int
    path: str
    address: str = ""


def target_of(url: str, ports: Sequence[int]) -> Target:
    """The parts of an allowed address; ``RefusedInput`` for any other."""
    if not url.isascii() or any(character <= " " or character in "\\\x7f" for character in url):
        raise bad_address(url, "An address is visible ASCII without backslashes; write other names in punycode.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise bad_address(url, "This is no address.") from None
    if parts.scheme != "https":
        raise bad_address(url, "Changes are sent over https only.")
    if "@" in parts.netloc or "#" in url:
        raise bad_address(url, "An address holds no user, password or fragment.")
    if not _NAME.fullmatch(host) or len(host) > 253:
        raise bad_address(url, "The host is a public name: no IP address in any spelling, no single word.")
    if any(host == ending or host.endswith(f".{ending}") for ending in _PRIVATE):
        raise bad_address(url, "This name is of a private network.")
    if (port or 443) not in ports:
        raise bad_address(url, f"The port is one of {', '.join(map(str, ports))}.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host, port or 443, path)


def bad_address(url: str, rule: str) -> RefusedInput:
    """The refusal of an address nothing is sent to."""
    return RefusedInput("bad_address", "url", url, rule, "Give the https address of a public server of your house.")
