"""Commands about receipts: replay an answer, check an evidence pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from models.errors import RefusedInput
from service.access.auth import Role
from service.books.evidence import first_fault
from service.cli.answers import show_options
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.registry.keys import read_jwks
from service.usecases.evidence_pack import check_evidence, evidence_pack
from service.usecases.replay_receipt import Replayed, replay_receipt
from service.web.encode import encode
from service.web.strict_json import parse_strict


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.command("replay")(replay)
    app.command("evidence")(evidence)


def replay(
    receipt: Annotated[str, typer.Argument(metavar="RECEIPT", help="receipt_id of an answer.")],
    evidence: Annotated[Path | None, typer.Option(help="Write the signed evidence pack to this new file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give an old answer again from what was kept, byte for byte; exit 2 naming the part that is not what it was."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        replayed = replay_receipt(office, receipt)
        pack = (
            encode(evidence_pack(office, receipt, Role.OFFICE, utc_now())) if evidence and not replayed.broken else b""
        )
    if replayed.answer is not None:
        if as_json:
            out.json(replayed.answer)
        else:
            _show(out, replayed)
    if replayed.broken:
        broken = replayed.broken
        fix = "Restore the data folder from a backup, or keep the answer that was given."
        raise RefusedInput("not_as_it_was", broken.part, receipt, f"{broken.said[:1].upper()}{broken.said[1:]}.", fix)
    if evidence:
        _write(evidence, pack)
        if not as_json:
            out.line(out.t("replay.evidence", file=evidence))


def _show(out: Out, replayed: Replayed) -> None:
    assert replayed.answer is not None
    show_options(out, replayed.answer)
    t = out.t
    out.table(
        [t("replay.part"), t("replay.holds"), t("replay.found")],
        [(check.part, check.holds, check.said) for check in replayed.checks],
        whole=(0, 1),
    )
    if replayed.rules_changed_since:
        changed = replayed.rules_changed_since
        out.line(t("replay.changed_since", count=len(changed), files=", ".join(changed[:5])))


def _write(path: Path, pack: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(pack + b"\n")
    except OSError as problem:
        raise RefusedInput(
            "unwritable_file", "evidence", str(path), f"It cannot be written: {problem.strerror}.", "Name a new file."
        ) from None


def evidence(
    pack: Annotated[Path, typer.Argument(metavar="FILE", help="An evidence pack of this office.")],
    keys: Annotated[
        Path | None, typer.Option(help="The office's public keys (its /.well-known/jwks.json): no office is needed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check an evidence pack part by part; exit 2 naming the first thing that does not match."""
    out = Out(as_json)
    content = _read(pack)
    if keys is None:
        with office_of(settings_of()) as office:
            fault = check_evidence(office, content)
    else:
        fault = first_fault(content, read_jwks(_read(keys)))
    if fault:
        rule = "This part is not what was signed."
        raise RefusedInput("evidence_differs", fault, str(pack), rule, "Ask the office for the pack again.")
    if as_json:
        out.json({"receipt_id": content["receipt"]["id"], "holds": True})
    else:
        out.line(out.t("replay.pack_holds", receipt=content["receipt"]["id"]))


def _read(path: Path) -> Any:
    try:
        body = path.read_bytes()
    except OSError as problem:
        raise RefusedInput(
            "unreadable_file", "file", str(path), f"It cannot be read: {problem.strerror}.", "Check the path."
        ) from None
    return parse_strict(body)
