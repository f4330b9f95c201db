"""Real invoices of 425 Chinese firms (CUMCM 2020, problem C) as files of the feed ``vat_invoice``.

The adapter renames, pads and trims; it drops nothing but the invoices before ``COMMON_START`` and counts every change.
Values stay text, so that whatever the publisher wrote meets the checks of the ingest. What the data are, and the
evidence for each decision, is in ``docs/real-data.md``.
"""

from __future__ import annotations

import csv
import lzma
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from models.errors import RefusedInput
from models.uscc import check_character

FOLDER = "cumcm2020c"
FEED = "vat_invoice"
#: 76 of the 425 firms have older invoices, because theirs were drawn up to three months before the others'.
COMMON_START = date(2017, 1, 1)
#: The first of the days on which the invoices were drawn: after it, the feed is not complete for every firm.
COMPLETE_TO = date(2019, 10, 31)
INVOICE_NO_LENGTH = 8
STATUSES = {"有效发票": "valid", "作废发票": "void"}
_CREDIT_RECORDS = "a1_enterprise_info_123firms.csv"
_OTHER_FIRMS = "a2_enterprise_info_302firms.csv"
_LABELS = "a1_contestant_industry_label.csv"
_CHURN = "a3_rate_churn.csv"
_DAY = "%Y/%m/%d"


@dataclass(frozen=True)
class Published:
    """One published invoice file: its name, whose invoices it holds and the column that names the other party."""

    name: str
    direction: str
    counterparty: str

    @property
    def feed_file(self) -> str:
        return self.name.replace(".csv.xz", ".parquet")


PUBLISHED = (
    Published("a1_input_invoices_123firms.csv.xz", "input", "销方单位代号"),
    Published("a1_output_invoices_123firms.csv.xz", "output", "购方单位代号"),
    Published("a2_input_invoices_302firms.csv.xz", "input", "销方单位代号"),
    Published("a2_output_invoices_302firms.csv.xz", "output", "购方单位代号"),
)


@dataclass(frozen=True)
class FeedFile:
    """One written feed file and what was done on the way, in rows. ``last_day`` is each firm's latest invoice."""

    path: Path
    source: str
    read: int
    before_start: int
    written: int
    padded: int
    trimmed: int
    voided_later: int
    last_day: Mapping[str, date]


@dataclass(frozen=True)
class CreditRecord:
    """What the publisher says of one of the 123 firms with a credit record: rating A-D and whether it defaulted.

    Neither is dated. The rating nearly tells the default (all 24 firms rated D defaulted) and is never an input.
    """

    uscc: str
    firm: str
    rating: str
    defaulted: bool


def source_folder(data: Path) -> Path:
    """The published files under ``data``; ``RefusedInput`` that names the first one missing."""
    folder = data / FOLDER
    for name in (_CREDIT_RECORDS, *(published.name for published in PUBLISHED)):
        if not (folder / name).is_file():
            raise RefusedInput(
                "data_absent",
                "data",
                str(folder / name),
                "The real invoices are not part of the project, and this file of theirs is not there.",
                f"Set RONGQIAO_DATA (or --data) to the folder that holds {FOLDER}/; docs/real-data.md says what it is.",
            )
    return folder


def placeholder_uscc(firm: str) -> str:
    """An invented code for a masked firm: ``E1`` gives ``00000000CUM00001`` and two check characters.

    It is well-formed (GB 32100 and, in places 9-17, GB 11714) and cannot be a real firm's: no registration
    authority has the number 0 and no place has the division code 000000. ``ValueError`` for another form of name.
    """
    if not (firm[:1] == "E" and firm[1:].isascii() and firm[1:].isdigit() and 1 <= int(firm[1:]) <= 99_999):
        raise ValueError(f"{firm!r} is no firm of this data set; they are called E1, E2, …")
    organisation = f"CUM{int(firm[1:]):05d}"
    first_17 = "00000000" + organisation + _organisation_check(organisation)
    return first_17 + check_character(first_17)


def _organisation_check(eight: str) -> str:
    """Check character of an organisation code (GB 11714-1997)."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(character, 36) * weight for character, weight in zip(eight, weights, strict=True))
    return "0123456789X0"[11 - total % 11]


def credit_records(data: Path) -> tuple[CreditRecord, ...]:
    """The 123 firms with a rating and a default flag, in the publisher's order."""
    with (source_folder(data) / _CREDIT_RECORDS).open(encoding="utf-8", newline="") as lines:
        return tuple(
            CreditRecord(
                uscc=placeholder_uscc(row["企业代号"]),
                firm=row["企业代号"],
                rating=row["信誉评级"],
                defaulted={"是": True, "否": False}[row["是否违约"]],
            )
            for row in csv.DictReader(lines)
        )


@dataclass(frozen=True)
class LendingProblem:
    """The rest of the published problem: ``rates`` and, by grade, the share of clients who leave at each; the names of
    the firms without a credit record; and by firm an industry that a team of contestants read off its name.
    """

    rates: tuple[float, ...]
    leave: Mapping[str, tuple[float, ...]]
    other_firms: tuple[str, ...]
    industry: Mapping[str, str]


def lending_problem(data: Path) -> LendingProblem | None:
    """What a credit strategy needs beside the invoices; ``None`` where one of its three files is not there."""
    folder = data / FOLDER
    if not all((folder / name).is_file() for name in (_OTHER_FIRMS, _LABELS, _CHURN)):
        return None
    churn = _rows(folder / _CHURN)
    grades = [name.removeprefix("churn_") for name in churn[0] if name.startswith("churn_")]
    labelled = [*_rows(folder / _LABELS), *_rows(folder / _OTHER_FIRMS)]
    return LendingProblem(
        rates=tuple(float(row["loan_rate"]) for row in churn),
        leave={grade: tuple(float(row[f"churn_{grade}"]) for row in churn) for grade in grades},
        other_firms=tuple(row["企业代号"] for row in _rows(folder / _OTHER_FIRMS)),
        industry={row["企业代号"]: row["industry_by_contestants"] for row in labelled},
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def deliver(data: Path, published: Published, out: Path, start: date = COMMON_START) -> FeedFile:
    """Write the feed file of one published file into ``out``.

    Invoices before ``start`` are left out and counted. The whole file is in memory meanwhile (395,175 rows at most).
    Raises ``RefusedInput`` for a missing or different file.
    """
    return _write(_read(source_folder(data) / published.name, published), published, out, start)


def _read(path: Path, published: Published) -> pa.Table:
    names = ["企业代号", "发票号码", "开票日期", published.counterparty, "金额", "税额", "发票状态"]
    options = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), include_columns=names, strings_can_be_null=False
    )
    try:
        with lzma.open(path) as text:
            return pacsv.read_csv(text, convert_options=options)
    except (KeyError, pa.ArrowInvalid, lzma.LZMAError, EOFError) as problem:
        raise RefusedInput(
            "bad_source_file",
            "data",
            path.name,
            f"It is not the published file: {problem}.",
            f"It is an xz-packed UTF-8 CSV with the columns {', '.join(names)}.",
        ) from None


def _write(table: pa.Table, published: Published, out: Path, start: date) -> FeedFile:
    read = table.num_rows
    issued = pc.strptime(table["开票日期"], _DAY, "s", error_is_null=True).cast(pa.date32())
    kept = pc.fill_null(pc.greater_equal(issued, pa.scalar(start)), True)
    table, issued = table.filter(kept), issued.filter(kept)
    number = pc.utf8_lpad(table["发票号码"], INVOICE_NO_LENGTH, "0")
    trimmed = pc.utf8_trim_whitespace(table["发票状态"])
    status = _translated(trimmed)
    revision, voided_later = _revisions(table, number, status)
    feed = pa.table(
        {
            "uscc": _codes(table["企业代号"]),
            "direction": pa.repeat(published.direction, table.num_rows),
            "invoice_no": number,
            # A day that is no date keeps the publisher's text, for the ingest to refuse.
            "issued_on": pc.coalesce(issued.cast(pa.string()), table["开票日期"]),
            "counterparty": table[published.counterparty],
            "amount_yuan": table["金额"],
            "tax_yuan": table["税额"],
            "status": status,
            "revision": revision,
        }
    )
    path = out / published.feed_file
    pq.write_table(feed, path, compression="zstd")
    return FeedFile(
        path=path,
        source=published.name,
        read=read,
        before_start=read - table.num_rows,
        written=feed.num_rows,
        padded=pc.sum(pc.not_equal(number, table["发票号码"])).as_py() or 0,
        trimmed=pc.sum(pc.not_equal(trimmed, table["发票状态"])).as_py() or 0,
        voided_later=voided_later,
        last_day=_last_days(feed["uscc"], issued),
    )


def _last_days(uscc: pa.ChunkedArray, issued: pa.ChunkedArray) -> dict[str, date]:
    latest = pa.table({"uscc": uscc, "issued": issued}).group_by("uscc").aggregate([("issued", "max")])
    pairs = zip(latest["uscc"].to_pylist(), latest["issued_max"].to_pylist(), strict=True)
    return {firm: day for firm, day in pairs if day is not None}


def _codes(firms: pa.ChunkedArray) -> pa.Array:
    """Placeholder codes of a column of firm names, worked out once per firm."""
    names = firms.unique()
    codes = pa.array([placeholder_uscc(name) for name in names.to_pylist()])
    return codes.take(pc.index_in(firms, names).combine_chunks())


def _translated(status: pa.ChunkedArray) -> pa.ChunkedArray:
    """The feed's code for each known status; any other text stays, for the ingest to refuse."""
    for published, code in STATUSES.items():
        status = pc.if_else(pc.equal(status, published), code, status)
    return status


def _revisions(table: pa.Table, number: pa.ChunkedArray, status: pa.ChunkedArray) -> tuple[pa.Array, int]:
    """Revision of each row, and how many rows are a second state of an invoice that is also listed as valid.

    An invoice goes from valid to void and never back, so where both are listed the void row is the later one.
    """
    key = pc.binary_join_element_wise(table["企业代号"], number, table["开票日期"], table.column(3), "|")
    void, valid = pc.equal(status, "void"), pc.equal(status, "valid")
    in_both = pc.and_(void, pc.is_in(key, key.filter(valid).combine_chunks()))
    return pc.if_else(in_both, 2, 1).cast(pa.string()), pc.sum(in_both).as_py() or 0
