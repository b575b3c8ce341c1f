"""PNG in few colours: what a page of text and lines needs, at a third of the size."""

import base64
import struct
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

MOST_BYTES: Final = 150_000
COLOURS: Final = (256, 128, 64, 32)
_DECODE: Final = """async encoded => {
  const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + encoded)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const bytes = context.getImageData(0, 0, image.width, image.height).data;
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return [image.width, image.height, btoa(text)];
}"""


class TooLarge(Exception):
    """A picture that is not small in the fewest colours either."""


def reduce(picture: bytes, page: Page) -> bytes:
    """The picture in as many colours as leave it below MOST_BYTES. A blank page of the browser decodes it. Raises TooLarge."""
    blank = page.context.new_page()
    width, height, encoded = blank.evaluate(_DECODE, base64.b64encode(picture).decode())
    blank.close()
    pixels = np.frombuffer(base64.b64decode(encoded), np.uint8).reshape(height, width, 4)[:, :, :3]
    for most in COLOURS:
        written = _write(*_index(pixels, most))
        if len(written) <= MOST_BYTES:
            return written
    raise TooLarge(f"{width} x {height}, {len(written)} bytes in {COLOURS[-1]} colours")


def _index(pixels: npt.NDArray[np.uint8], most: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """(height, width) places in the palette, and the palette (colours, 3); colours that are not in it get the nearest."""
    packed = pixels.astype(np.int64) @ np.array([65536, 256, 1])
    colours, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    rgb = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    palette = rgb[_choose(rgb, counts, most)]
    nearest = np.empty(len(colours), np.uint8)
    for first in range(0, len(colours), 4096):
        apart = ((rgb[first : first + 4096, None] - palette[None]) ** 2).sum(axis=2)
        nearest[first : first + 4096] = apart.argmin(axis=1)
    return nearest[inverse].reshape(packed.shape), palette.astype(np.uint8)


def _choose(rgb: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """Places of the colours of a palette: the most frequent of each tone, so that a single red figure stays red, then the most
    frequent of all."""
    by_count = np.argsort(-counts, kind="stable")
    tones = (rgb >> 5) @ np.array([64, 8, 1])
    _, first_of_tone = np.unique(tones[by_count], return_index=True)
    leading = by_count[np.sort(first_of_tone)][: most // 2]
    return np.concatenate([leading, by_count[~np.isin(by_count, leading)]])[:most]


def _write(places: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    height, width = places.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), places], axis=1)  # no filter: indices have no slope
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + _chunk(b"PLTE", palette.tobytes())
        + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
