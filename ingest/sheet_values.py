"""What the cells of a spreadsheet show: 25% and not 0.25, a day and not the number of days since 1900."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ingest.archive import Archive

_X: Final = "{*}"


class Values:
    """The texts and formats that the cells of a workbook share."""

    def __init__(self, archive: Archive, workbook: Any) -> None:
        """Read them once for all sheets."""
        self._texts = [_text(item) for item in archive.xml("xl/sharedStrings.xml").iter(f"{_X}si")]
        self._kinds = _kinds(archive.xml("xl/styles.xml"))
        properties = workbook.find(f"{_X}workbookPr")
        self._since_1904 = properties is not None and properties.get("date1904") in {"1", "true"}

    def shown(self, cell: Any) -> str:
        """Write a cell about as the sheet shows it."""
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _text(cell)
        value = cell.findtext(f"{_X}v") or ""
        if kind == "s":
            return self._texts[int(value)] if value.isdecimal() and int(value) < len(self._texts) else ""
        if kind == "b":
            return "true" if value == "1" else "false"
        if kind in {"str", "e", "d"} or not value:
            return value
        return self._number(value, cell.get("s", ""))

    def _number(self, value: str, style: str) -> str:
        kind = self._kinds[int(style)] if style.isdecimal() and int(style) < len(self._kinds) else ""
        try:
            number = float(value)
        except ValueError:
            return value
        if kind in {"date", "elapsed"} and (moment := self._moment(number, elapsed=kind == "elapsed")):
            return moment
        if kind == "percent":
            return f"{number * 100:.10g}%"
        return f"{number:.15g}" if abs(number) < 1e15 else value

    def _moment(self, number: float, *, elapsed: bool) -> str:
        from openpyxl.utils import datetime as dates  # type: ignore[import-untyped]  # noqa: PLC0415 - 0.2 s to import

        epoch = dates.MAC_EPOCH if self._since_1904 else dates.WINDOWS_EPOCH
        try:
            moment = dates.from_excel(number, epoch, timedelta=elapsed)
        except (ValueError, OverflowError):
            return ""
        if isinstance(moment, timedelta):
            return str(moment)
        if isinstance(moment, datetime) and moment.time() == time():
            return moment.date().isoformat()
        return moment.isoformat() if isinstance(moment, date | time) else ""


def _text(item: Any) -> str:
    """Join the stretches of a text; the reading aids of Japanese are left out."""
    return "".join(
        found.text or "" for found in item.iter(f"{_X}t") if next(found.iterancestors(f"{_X}rPh"), None) is None
    )


def _kinds(styles: Any) -> list[str]:
    """Tell of each style of a cell whether it shows a number as a `date`, as time `elapsed`, or as a `percent`age."""
    from openpyxl.styles import numbers  # type: ignore[import-untyped]  # noqa: PLC0415 - 0.2 s to import

    own = {found.get("numFmtId"): found.get("formatCode", "") for found in styles.iter(f"{_X}numFmt")}
    kinds: list[str] = []
    for group in styles.iter(f"{_X}cellXfs"):
        for style in group.iter(f"{_X}xf"):
            number = style.get("numFmtId", "0")
            code = own.get(number) or numbers.BUILTIN_FORMATS.get(int(number) if number.isdecimal() else 0, "")
            if numbers.is_date_format(code):
                kinds.append("elapsed" if numbers.is_timedelta_format(code) else "date")
            else:
                kinds.append("percent" if "%" in code else "")
    return kinds
