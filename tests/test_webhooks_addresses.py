"""Where webhooks may go: no spelling of a private address is taken, and none that a name comes to mean."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DataFileError, RefusedInput
from service.books.seedbook import rule_set
from service.integration.addresses import AddressPolicy, NotPublic, is_public, shipped_policy, target_of
from service.integration.terms import parse_terms, webhook_terms

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
PRIVATE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "169.254.0.1", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "203.0.113.9", "192.88.99.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:93.184.215.14", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:7f00:1::1", "2001:db8::1", "fec0::1",
]  # fmt: skip


def test_what_is_public_and_what_is_not() -> None:
    assert [each for each in PUBLIC if not is_public(ipaddress.ip_address(each))] == []
    assert [each for each in PRIVATE if is_public(ipaddress.ip_address(each))] == []


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_ipv4_address_becomes_public_by_being_said_in_ipv6(number: int) -> None:
    """Mapped, compatible, translated, NAT64, 6to4: all shut, so that a private one inside cannot be missed."""
    low = number.to_bytes(4, "big")
    for prefix, rest in (
        (bytes(10) + b"\xff\xff", b""), (bytes(12), b""), (bytes(8) + b"\xff\xff\0\0", b""),
        (bytes.fromhex("0064ff9b") + bytes(8), b""), (bytes.fromhex("2002"), bytes(10)),
    ):  # fmt: skip
        assert not is_public(ipaddress.IPv6Address(prefix + low + rest))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_blocks_said_as_numbers_agree(number: int) -> None:
    """An oracle with integers and masks for the blocks a request must never reach."""
    shut = ((0x7F000000, 8), (0x0A000000, 8), (0xAC100000, 12), (0xC0A80000, 16), (0xA9FE0000, 16), (0, 8),
            (0x64400000, 10), (0xE0000000, 3))  # fmt: skip
    if any(number >> (32 - bits) == block >> (32 - bits) for block, bits in shut):
        assert not is_public(ipaddress.IPv4Address(number))


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.bank.example/in", "ftp://hooks.bank.example/", "hooks.bank.example", "", "https://", "https:///in",
        "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[::1]/", "https://[::ffff:7f00:1]/",
        "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://0x7f.1/",
        "https://127.0.0.0x1/", "https://93.184.215.14/", "https://localhost/", "https://hooks.localhost/",
        "https://printer.local/", "https://metadata.google.internal/", "https://intranet/", "https://db.corp/",
        "https://user@hooks.bank.example/", "https://hooks.bank.example@127.0.0.1/", "https://a.example#@b.example/",
        "https://hooks.bank.example:22/", "https://hooks.bank.example:99999/", "https://hooks.bank.example:x/",
        "https://hooks.bank.example\\@127.0.0.1/", "https://hooks.bank.example/\r\nHost: x", "https://ｈooks.example/",
        "https://hooks..example/", "https://-hooks.example/", "https://hooks_.example/", "https://hooks.example./",
        "https://[fe80::1%25eth0]/", "https://①②⑦.⓪.⓪.①/", "https://" + "a" * 64 + ".example/", "https://[/",
    ],
)  # fmt: skip
def test_a_bad_address_is_refused_before_any_look_up(url: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise AssertionError(f"{host} was looked up")

    with pytest.raises(RefusedInput) as refused:
        AddressPolicy((443,), resolve=resolve).pinned(url)
    assert (refused.value.code, refused.value.field) == ("bad_address", "url")


@pytest.mark.parametrize(
    "means", [[each] for each in PRIVATE] + [[PUBLIC[0], "127.0.0.1"], [], ["fe80::1%eth0"], ["?"]]
)
def test_a_name_that_means_a_private_address_is_not_gone_to(means: list[str]) -> None:
    """One private address among public ones is enough."""
    with pytest.raises(NotPublic):
        AddressPolicy((443,), resolve=lambda host, port: means).pinned("https://hooks.bank.example/in")


def test_the_judged_address_is_the_one_that_is_connected_to() -> None:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return PUBLIC

    target = AddressPolicy((443, 8443), resolve=resolve).pinned("https://Hooks.Bank.example:8443/in?a=1")
    assert (target.host, target.port, target.path, target.address) == ("hooks.bank.example", 8443, "/in?a=1", PUBLIC[0])
    assert asked == [("hooks.bank.example", 8443)], "looked up once: there is no second answer to differ"


def test_an_office_as_shipped_reaches_public_addresses_only() -> None:
    policy = shipped_policy()
    assert (policy.allows, tuple(policy.ports)) == (is_public, webhook_terms().ports)
    assert target_of("https://hooks.bank.example", policy.ports).path == "/"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ports", []),
        ("ports", [0]),
        ("pauses_seconds", "5"),
        ("jitter", "1.5"),
        ("at_once", 0),
        ("pauses_seconds", [True]),
    ],
)
def test_a_wrong_figure_is_refused(name: str, value: object) -> None:
    document = rule_set().document("webhooks.yaml")
    document[name] = value
    with pytest.raises(DataFileError) as refused:
        parse_terms(document)
    assert refused.value.field == name
