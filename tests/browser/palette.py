"""Screenshots with a palette of 256 colours (PNG, ISO 15948): a third of the bytes, and nobody sees a difference.

Chromium counts the colours, for it reads its own pictures a hundred times as fast as Python does.
"""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

# The 256 commonest colours; every other pixel takes the nearest of them. Antialiased letters have thousands, alike.
_COUNT = """async (source) => {
  const image = await createImageBitmap(new Blob([Uint8Array.from(atob(source), (each) => each.charCodeAt(0))]));
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const seen = new Map();
  for (const pixel of pixels) seen.set(pixel, (seen.get(pixel) || 0) + 1);
  const palette = [...seen].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([pixel]) => pixel);
  const split = (pixel) => [pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255];
  const colours = palette.map(split);
  const nearest = new Map(palette.map((pixel, index) => [pixel, index]));
  for (const pixel of seen.keys()) if (!nearest.has(pixel)) {
    const wanted = split(pixel);
    let best = 0, least = Infinity;
    colours.forEach((colour, index) => {
      const far = colour.reduce((sum, part, at) => sum + (part - wanted[at]) ** 2, 0);
      if (far < least) { least = far; best = index; }
    });
    nearest.set(pixel, best);
  }
  let text = "";
  for (let at = 0; at < pixels.length; at += 8192)
    text += String.fromCharCode(...Array.from(pixels.subarray(at, at + 8192), (pixel) => nearest.get(pixel)));
  return { width, height, colours, pixels: btoa(text) };
}"""


def with_palette(page: Page, png: bytes) -> bytes:
    """The same picture with 256 colours at most; `page` is any page whose browser counts them."""
    counted = page.evaluate(_COUNT, base64.b64encode(png).decode())
    width, height = counted["width"], counted["height"]
    pixels = base64.b64decode(counted["pixels"])
    lines = b"".join(b"\0" + pixels[at : at + width] for at in range(0, width * height, width))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(map(bytes, counted["colours"]))),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
