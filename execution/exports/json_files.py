"""JSON: the result as the API answers it, byte for byte, and the manifest beside it, in a zip."""

from typing import BinaryIO

from execution import canonical
from execution.exports import zipped
from execution.exports.content import ExportContent, Report


def write(file: BinaryIO, content: ExportContent, report: Report) -> None:
    with zipped.archive_of(file) as archive:
        archive.writestr(zipped.entry("result.json"), content.result_text.encode())
        archive.writestr(zipped.entry("manifest.json"), canonical.canonical_bytes(content.manifest.as_dict()))
    report(1, 1)
