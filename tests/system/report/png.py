# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decodes Chromium's screenshots: PNG with eight bits per channel, not interlaced. Slow, so only for small ones."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple


class Image(NamedTuple):
    """The size in pixels, and red, green and blue of each pixel."""

    width: int
    height: int
    pixels: list[tuple[int, int, int]]

    @property
    def brightness(self) -> float:
        """Return the mean brightness, from 0 to 255."""
        return sum(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in self.pixels) / len(self.pixels)


def read_png(data: bytes) -> Image:
    """Return a decoded image."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG"
    width, height, depth, color_type, _compression, _filter, interlace = struct.unpack(">IIBBBBB", data[16:29])
    assert (depth, interlace) == (8, 0)
    channels = {2: 3, 6: 4}[color_type]
    compressed, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            compressed += data[at + 8 : at + 8 + length]
        at += 12 + length
    raw = zlib.decompress(compressed)
    stride = width * channels
    previous = bytearray(stride)
    pixels: list[tuple[int, int, int]] = []
    for row in range(height):
        begin = row * (stride + 1)
        line = _restore(raw[begin], bytearray(raw[begin + 1 : begin + 1 + stride]), previous, channels)
        pixels += zip(line[0::channels], line[1::channels], line[2::channels])
        previous = line
    return Image(width, height, pixels)


def _restore(method: int, line: bytearray, above: bytearray, step: int) -> bytearray:
    """Return a line without its filter (PNG specification, section 9)."""
    for at in range(len(line)):
        left = line[at - step] if at >= step else 0
        up = above[at]
        if method == 1:
            prediction = left
        elif method == 2:
            prediction = up
        elif method == 3:
            prediction = (left + up) // 2
        elif method == 4:
            corner = above[at - step] if at >= step else 0
            first = left + up - corner
            prediction = min((left, up, corner), key=lambda one: abs(first - one))
        else:
            return line
        line[at] = (line[at] + prediction) & 255
    return line
