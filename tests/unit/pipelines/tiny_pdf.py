"""PDF files written by hand, just large enough for what a test needs: text in Helvetica, boxes, rotation, a picture, a lock."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] {extra} /Contents {contents} 0 R {resources} >>"
RESOURCES = "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> /XObject << /Im 5 0 R /Form 6 0 R >> >>"
FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
# Glyph names that stand for no character: the text can be drawn and not be read.
NAMELESS = (
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /FirstChar 65 /LastChar 90 /Widths [" + "600 " * 26 + "] "
    "/Encoding << /Type /Encoding /Differences [65 " + " ".join(f"/g{index}x" for index in range(26)) + "] >> >>"
)
# A picture within a form of its own, as large as the form.
FORM = (
    "<< /Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources << /XObject << /Im 5 0 R >> >> /Length 6 >>\nstream\n/Im Do\nendstream"
)
LOCK = (
    f"/Encrypt << /Filter /Standard /V 1 /R 2 /Length 40 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >> /ID [<{'43' * 16}> <{'43' * 16}>]"
)


def text(x: float, y: float, words: str, *, size: float = 12, font: str = "F1", before: str = "") -> str:
    """A line of text, its baseline starting at (x, y) points from the lower left."""
    return f"BT {before} /{font} {size} Tf {x} {y} Td ({words}) Tj ET\n"


def pdf(pages: Sequence[str], *, extra: str = "", locked: bool = False) -> bytes:
    """A file with these content streams, 300 x 200 points a page. extra: entries of every page, such as /Rotate 90."""
    numbers = [7 + 2 * index for index in range(len(pages))]
    kids = " ".join(f"{number} 0 R" for number in numbers)
    grey = zlib.compress(bytes(range(256)))
    picture = b"<< /Type /XObject /Subtype /Image /Width 16 /Height 16 /ColorSpace /DeviceGray /BitsPerComponent 8 "
    bodies: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode(),
        FONT.encode(),
        NAMELESS.encode(),
        picture + b"/Filter /FlateDecode /Length " + str(len(grey)).encode() + b" >>\nstream\n" + grey + b"\nendstream",
        FORM.encode(),
    ]
    for number, content in zip(numbers, pages, strict=True):
        stream = content.encode("latin-1")
        bodies.append(PAGE.format(extra=extra, contents=number + 1, resources=RESOURCES).encode())
        bodies.append(f"<< /Length {len(stream)} >>\nstream\n".encode() + stream + b"\nendstream")
    return _file(bodies, LOCK if locked else "")


def _file(bodies: Sequence[bytes], trailer: str) -> bytes:
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        places.append(len(content))
        content += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(content)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    content += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}".encode()
    return content + f"trailer << /Size {len(bodies) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
