"""What a text file is encoded in: its mark, else UTF-8, else by the statistics of what its bytes would mean."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

from workbench.engine.data.report import assumed, question
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""How a file says at its beginning what it is encoded in. Spreadsheets call UTF-16 *Unicode text*."""
CANDIDATES = ("cp949", "cp932", "gb18030", "cp1252", "latin_1")
"""What spreadsheets of Korea, Japan, China and the West write where they do not write UTF-8."""
TITLES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-32": "UTF-32",
    "cp949": "CP949",
    "cp932": "Shift-JIS",
    "gb18030": "GB18030",
    "cp1252": "Windows-1252",
    "latin_1": "Latin-1",
}
_SAMPLE = 1 << 20
"""Bytes that the statistics are made of."""
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Encoding:
    """A codec of Python, and what a person should know of it."""

    codec: str
    findings: tuple[Finding, ...] = ()

    @property
    def title(self) -> str:
        """Its usual name."""
        return TITLES.get(self.codec, self.codec)


def encoding_of(path: Path, wanted: str = "auto") -> Encoding:
    """What a text file is encoded in, read to its end. ``wanted``: as the settings say, or ``auto``.

    Raises RefusedError for a file that is not text, or not of the encoding that is wanted, and OSError.
    """
    if wanted != "auto":
        return _as_wanted(path, wanted)
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
    marked = next((codec for mark, codec in MARKS.items() if start.startswith(mark)), "") or _unmarked_utf16(start)
    for codec in (marked,) if marked else ("utf-8",):
        if _decodes(path, codec):
            told = () if codec.startswith("utf-8") else _told(codec)
            return Encoding(codec, told)
    if b"\0" in start or marked:
        raise _not_text(path)
    return _by_statistics(path, start)


def decode_text(path: Path) -> str:
    """The text in a file. Raises RefusedError for a file that is no text, and OSError."""
    return path.read_text(encoding=encoding_of(path).codec)


def _as_wanted(path: Path, wanted: str) -> Encoding:
    try:
        codec = codecs.lookup(wanted).name
    except LookupError:
        what = f"there is no encoding named {wanted!r}"
        raise RefusedError(what, "choose one such as utf-8, cp949, gb18030 or cp1252", "dataset.encoding") from None
    codec = "utf-8-sig" if codec == "utf-8" else codec
    if not _decodes(path, codec):
        raise RefusedError(f"{path} is not encoded in {wanted}", "choose auto, or another encoding", "dataset.encoding")
    return Encoding(codec)


def _unmarked_utf16(start: bytes) -> str:
    """UTF-16 without a mark: of ASCII every second byte is zero."""
    sample = start[: len(start) // 2 * 2][:4096]
    if len(sample) < 8:
        return ""
    low, high = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if high > 0.3 * half and low < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if low > 0.3 * half and high < 0.05 * half else ""


def _decodes(path: Path, codec: str) -> bool:
    """Whether the whole file is text in a codec."""
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _by_statistics(path: Path, start: bytes) -> Encoding:
    # A character that the sample cuts in two is no evidence.
    sample = start[: start.rfind(b"\n") + 1] or start
    matches = [match for match in from_bytes(sample, cp_isolation=list(CANDIDATES)) if _decodes(path, match.encoding)]
    if not matches:
        codec = next((codec for codec in ("cp1252", "latin_1") if _decodes(path, codec)), "")
        if not codec:
            raise _not_text(path)
        return Encoding(codec, _told(codec))
    best, others = matches[0], matches[1:]
    rivals = [
        other.encoding
        for other in others
        if (other.chaos, other.coherence) == (best.chaos, best.coherence) and str(other) != str(best)
    ]
    if rivals:
        names = " or ".join(TITLES.get(name, name) for name in (best.encoding, *rivals[:2]))
        text = f"the table is not UTF-8, and it can be read as {names}"
        cure = f"choose its encoding, for example dataset.encoding = {best.encoding!r}"
        return Encoding(best.encoding, (question(text, "dataset.encoding", cure),))
    return Encoding(best.encoding, _told(best.encoding))


def _told(codec: str) -> tuple[Finding, ...]:
    title = TITLES.get(codec, codec.upper())
    return (assumed(f"the table is read as {title}: it is not UTF-8", "dataset.encoding"),)


def _not_text(path: Path) -> RefusedError:
    hint = "choose a text file that is saved as UTF-8, or set dataset.encoding"
    return RefusedError(f"{path} is not text, or has an unknown encoding", hint, "dataset.path")
