"""The forms in which an execution can be exported, each with the use that rights are asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from compliance.terms import Use
from execution.exports import bundle_files, csv_files, json_files, pdf_files, xlsx_files
from execution.exports.content import ExportContent, Report


@dataclass(frozen=True, slots=True)
class Format:
    """of_panel: the extension of an export of one panel; empty where the form is of the whole alone.

    is_signed: it is written with evidence.
    attaches_result: one of the whole has the result as JSON in it, where rights allow that, too.
    """

    use: Use
    extension: str
    media_type: str
    write: Callable[[BinaryIO, ExportContent, Report], None]
    of_panel: str = ""
    panel_media_type: str = ""
    is_signed: bool = False
    attaches_result: bool = False

    def file_name(self, stem: str, panel: str) -> str:
        return f"{stem}.{panel}.{self.of_panel}" if panel else f"{stem}.{self.extension}"


XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

PDF: Final = "application/pdf"

FORMATS: Final[Mapping[str, Format]] = {
    "csv": Format(Use.CSV, "csv.zip", "application/zip", csv_files.write, "csv", "text/csv; charset=utf-8"),
    "bundle": Format(Use.JSON, "bundle.zip", "application/zip", bundle_files.write, is_signed=True),
    "json": Format(Use.JSON, "json.zip", "application/zip", json_files.write),
    "xlsx": Format(Use.XLSX, "xlsx", XLSX, xlsx_files.write, "xlsx", XLSX),
    "pdf": Format(Use.PDF, "pdf", PDF, pdf_files.write_a4, "pdf", PDF, attaches_result=True),
    "pdf-us": Format(Use.PDF, "us.pdf", PDF, pdf_files.write_letter, "us.pdf", PDF, attaches_result=True),
}
