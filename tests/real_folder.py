"""A folder of the form in which the real invoices are published, with invented content."""

from __future__ import annotations

import lzma
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from service.adapters import cumcm2020c as adapter

DATA = Path(os.environ.get("RONGQIAO_DATA", Path(__file__).parents[2] / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / adapter.FOLDER).is_dir(),
    reason=f"the real invoices are not part of the project; {DATA / adapter.FOLDER} is absent (set RONGQIAO_DATA)",
)

#: firm, number, day, other party, amount, tax, status
Row = Sequence[str]


def write_folder(data: Path, rows: Mapping[str, Iterable[Row]], records: Iterable[tuple[str, str, str]]) -> Path:
    """Write ``data``/cumcm2020c: invoice rows by published file, and (firm, rating, defaulted) credit records."""
    folder = data / adapter.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for published in adapter.PUBLISHED:
        lines = [f"企业代号,发票号码,开票日期,{published.counterparty},金额,税额,价税合计,发票状态"]
        lines += [",".join((*row[:6], "0.0", row[6])) for row in rows[published.name.split("_invoices")[0]]]
        (folder / published.name).write_bytes(lzma.compress("\n".join(lines).encode(), preset=0))
    lines = ["企业代号,企业名称,信誉评级,是否违约"]
    lines += [f"{firm},***有限公司,{rating},{bad}" for firm, rating, bad in records]
    (folder / "a1_enterprise_info_123firms.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return data
