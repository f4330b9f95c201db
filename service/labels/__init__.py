"""Every word a person reads on pages and on the command line, in Chinese and English."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from service.books.documents import read_yaml

LANGUAGES = ("zh", "en")
_FOLDER = Path(__file__).parent


class Labels:
    """The catalogue of one language. A key that is missing is a fault of ours, and a test finds it."""

    def __init__(self, language: str, texts: Mapping[str, str]):
        self.language = language
        self.texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """The text for ``key`` with ``{name}`` places filled in; ``KeyError`` for a key that does not exist."""
        return self.texts[key].format(**values) if values else self.texts[key]

    def word(self, group: str, code: str | None) -> str:
        """The word for a code (``size.micro``); the code itself where the catalogue has none, ``—`` for unknown."""
        if code is None or code == "":
            return "—"
        return self.texts.get(f"{group}.{code}", str(code))

    def pick(self, zh: str, en: str) -> str:
        """One of two texts that data files carry side by side."""
        return zh if self.language == "zh" else en

    def name(self, thing: Any) -> str:
        """The name of something with ``zh`` and ``en``, an object or a mapping."""
        if isinstance(thing, Mapping):
            return self.pick(str(thing.get("zh", "")), str(thing.get("en", "")))
        return self.pick(thing.zh, thing.en)


@cache
def labels(language: str) -> Labels:
    """The catalogue of ``zh`` or ``en``."""
    return Labels(language, dict(_flat(read_yaml(_FOLDER / f"{language}.yaml", _FOLDER))))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found.extend(_flat(value, f"{prefix}{key}."))
        else:
            found.append((f"{prefix}{key}", str(value)))
    return found


def of_terminal(environ: Mapping[str, str] = os.environ) -> str:
    """``zh`` when the terminal's locale is Chinese, else ``en``."""
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def of_request(asked: str, accept_language: str) -> str:
    """The language asked for by ``?lang=``, else the preferred one of ``Accept-Language``, else Chinese."""
    if asked in LANGUAGES:
        return asked
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language.split(",")[:20]):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if tag[:2].lower() in LANGUAGES and weight > 0:
            ranked.append((-weight, place, tag[:2].lower()))
    return min(ranked)[2] if ranked else "zh"
