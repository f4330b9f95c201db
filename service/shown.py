"""How amounts, rates and moments of an answer are written for people, on pages and on the command line."""

from __future__ import annotations

from datetime import datetime

from service.clock import CITY_TIME


def money(text: str | None) -> str:
    """Yuan from an answer with thousands grouped."""
    if text is None:
        return "—"
    whole, _, fen = text.removeprefix("-").partition(".")
    sign = "-" if text.startswith("-") else ""
    return f"{sign}{int(whole):,}" + (f".{fen}" if fen.strip("0") else "")


def percent(fraction: float | None, places: int = 2) -> str:
    """A fraction as per cent."""
    return "—" if fraction is None else f"{float(fraction) * 100:.{places}f} %"


def moment(at: datetime) -> str:
    """A moment as the city's clocks show it, to the second, with its zone."""
    return at.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M:%S %z")


def minute(at: datetime) -> str:
    """A moment as the city's clocks show it, to the minute."""
    return at.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M")
