"""Evidence packs: one answer with everything it rests on, signed, and checked part by part. Pure; keys are arguments.

| part | holds |
|---|---|
| `receipt` | what the receipt says; its id is a digest of it |
| `inputs` | the firm's facts that were used; values a viewer may not see are `{"masked": true}` |
| `rules` | every rule file with its text |
| `answer` | the answer as it was given |
| `sources`, `steps` | the clauses the answer cites, and its calculations, drawn together from the answer |
| `hashes` | SHA-256 of each part |
| `signature` | Ed25519 over all of it with the office's key |

Whoever has the office's public keys (``/.well-known/jwks.json``) can check a pack, and cannot make one. Packs of format
1 were sealed with a secret of the office and are no longer checked: whoever could check them could make them.

Keep the file as it was written: the digest of the answer covers the order of its members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from service.books.receipts import digest
from service.books.rule_set import RuleSet
from service.registry.keys import PublicKey, Signer
from service.web.encode import canonical, encode

FORMAT = "rongqiao-evidence/2"
#: What is signed begins with it, so that no other signature of the office passes for one of a pack.
_SIGNED = b"rongqiao evidence\n"
PARTS = ("receipt", "inputs", "rules", "answer", "sources", "steps")


def seal(parts: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """The pack of ``parts`` (receipt, inputs, rules, answer), completed and signed."""
    answer = orjson.loads(encode(parts["answer"]))
    pack = {"format": FORMAT, **parts, "answer": answer, "sources": sources(answer), "steps": steps(answer)}
    pack["hashes"] = {part: digest(canonical(pack[part])) for part in PARTS}
    pack["signature"] = {"method": signer.algorithm, "key_id": signer.key_id, "value": signer.sign(_message(pack))}
    return pack


def _message(pack: Mapping[str, Any]) -> bytes:
    return _SIGNED + canonical({name: value for name, value in pack.items() if name != "signature"})


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


def first_fault(pack: Any, keys: Mapping[str, PublicKey]) -> str:
    """The name of the first thing in ``pack`` that does not match; empty when everything does.

    ``pack`` is whatever a JSON file held, ``keys`` the office's public keys by id. A rule file is named by its path,
    any other part by its name.
    """
    if not isinstance(pack, dict) or pack.get("format") != FORMAT:
        return "format"
    try:
        return _fault(pack, keys)
    except (KeyError, TypeError, AttributeError, ValueError):
        return "format"


def _fault(pack: dict[str, Any], keys: Mapping[str, PublicKey]) -> str:
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
    key = keys.get(signature["key_id"])
    if key is None or signature["method"] != key.algorithm:
        return "signature/key"
    return "" if key.verifies(_message(pack), str(signature["value"])) else "signature"


def _masked(facts: Mapping[str, Any]) -> bool:
    return any(isinstance(value, dict) and value.get("masked") for value in facts.values())


def _receipt_digest(receipt: Mapping[str, Any]) -> str:
    names = ("kind", "subject", "as_of", "snapshot_id", "rules_digest")
    parts = [receipt[name] for name in names]
    parts += [receipt[name] for name in ("question", "product_version", "facts_sha256", "answer_sha256")]
    return "r_" + digest(canonical(parts))[:32]
