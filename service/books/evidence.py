"""Evidence packs: one answer with everything it rests on, sealed, and checked part by part. Pure; keys are arguments.

| part | holds |
|---|---|
| `receipt` | what the receipt says; its id is a digest of it |
| `inputs` | the firm's facts that were used; values a viewer may not see are `{"masked": true}` |
| `rules` | every rule file with its text |
| `answer` | the answer as it was given |
| `sources`, `steps` | the clauses the answer cites, and its calculations, drawn together from the answer |
| `hashes` | SHA-256 of each part |
| `signature` | HMAC-SHA256 over all of it with the office's key |

Keep the file as it was written: the digest of the answer covers the order of its members.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from service.books.receipts import digest
from service.books.rule_set import RuleSet
from service.web.encode import canonical, encode

FORMAT = "rongqiao-evidence/1"
METHOD = "HMAC-SHA256"
PARTS = ("receipt", "inputs", "rules", "answer", "sources", "steps")


def seal(parts: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """The pack of ``parts`` (receipt, inputs, rules, answer), completed and signed."""
    answer = orjson.loads(encode(parts["answer"]))
    pack = {"format": FORMAT, **parts, "answer": answer, "sources": sources(answer), "steps": steps(answer)}
    pack["hashes"] = {part: digest(canonical(pack[part])) for part in PARTS}
    pack["signature"] = {"method": METHOD, "key_id": key_id(key), "value": _signed(pack, key)}
    return pack


def key_id(key: bytes) -> str:
    """Says which key signed without telling it."""
    return hashlib.sha256(b"key " + key).hexdigest()[:16]


def _signed(pack: Mapping[str, Any], key: bytes) -> str:
    body = canonical({name: value for name, value in pack.items() if name != "signature"})
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def sources(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every clause the answer cites, with the options that rest on it."""
    found: dict[str, list[str]] = {}
    for option in answer["options"]:
        for cite in dict.fromkeys(_cites(option)):
            found.setdefault(cite, []).append(option["id"])
    return [{"cite": cite, "options": found[cite]} for cite in sorted(found)]


def _cites(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("cite"), str) and value["cite"]:
            yield value["cite"]
        for inner in value.values():
            yield from _cites(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _cites(inner)


def steps(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every calculation of the answer: which option, which part of it, its steps in order."""
    return [
        {"option": option["id"], "of": part, "steps": option[part]["steps"]}
        for option in answer["options"]
        for part in ("cost", "benefit")
        if option.get(part) and option[part]["steps"]
    ]


def first_fault(pack: Any, key: bytes) -> str:
    """The name of the first thing in ``pack`` that does not match; empty when everything does.

    ``pack`` is whatever a JSON file held. A rule file is named by its path, any other part by its name.
    """
    if not isinstance(pack, dict) or pack.get("format") != FORMAT:
        return "format"
    try:
        return _fault(pack, key)
    except (KeyError, TypeError, AttributeError, ValueError):
        return "format"


def _fault(pack: dict[str, Any], key: bytes) -> str:
    for part in PARTS:
        if digest(canonical(pack[part])) != pack["hashes"].get(part):
            return part
    receipt, files = pack["receipt"], pack["rules"]["files"]
    if _receipt_digest(receipt) != receipt["id"]:
        return "receipt/id"
    facts = pack["inputs"]["facts"]
    if not _masked(facts) and digest(canonical(facts)) != receipt["facts_sha256"]:
        return "inputs/facts"
    for file in files:
        if digest(file["text"]) != file["sha256"]:
            return f"rules/{file['path']}"
    if RuleSet({file["path"]: file["text"].encode() for file in files}).digest != receipt["rules_digest"]:
        return "rules/digest"
    answer = {name: value for name, value in pack["answer"].items() if name != "receipt_id"}
    if digest(encode(answer)) != receipt["answer_sha256"] or pack["answer"]["receipt_id"] != receipt["id"]:
        return "answer"
    if pack["sources"] != sources(answer):
        return "sources"
    if pack["steps"] != steps(answer):
        return "steps"
    signature = pack["signature"]
    if signature["method"] != METHOD or signature["key_id"] != key_id(key):
        return "signature/key"
    return "" if hmac.compare_digest(_signed(pack, key), str(signature["value"])) else "signature"


def _masked(facts: Mapping[str, Any]) -> bool:
    return any(isinstance(value, dict) and value.get("masked") for value in facts.values())


def _receipt_digest(receipt: Mapping[str, Any]) -> str:
    names = ("kind", "subject", "as_of", "snapshot_id", "rules_digest")
    parts = [receipt[name] for name in names]
    parts += [receipt[name] for name in ("question", "product_version", "facts_sha256", "answer_sha256")]
    return "r_" + digest(canonical(parts))[:32]
