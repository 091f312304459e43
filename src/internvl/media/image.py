"""Open a picture from a path, bytes, an array or Pillow, and hand on RGB: the one door through which pictures enter.

    source --header: format, size, frames--> refuse or decode --> RGB, upright

Limits are checked on the header, before memory is spent on pixels. Nothing is repaired: a truncated file is an error, not a
picture with a grey end. Three rules are decided here:

* Alpha is dropped and palettes are looked up, exactly as Pillow's `convert("RGB")` in the model card does.
* 16-bit grey keeps its high byte, as Pillow does for 16-bit colour. Pillow's conversion clips grey: most of it turns white.
* A file's EXIF orientation is honoured, which the model card does not; `exif=False` gives the card's pixels.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy
import PIL.BmpImagePlugin
import PIL.GifImagePlugin
import PIL.Image
import PIL.ImageFile
import PIL.JpegImagePlugin
import PIL.PngImagePlugin
import PIL.TiffImagePlugin
import PIL.WebPImagePlugin
from PIL.ExifTags import Base
from PIL.Image import Transpose

from internvl.errors import MediaError
from internvl.media.source import named, open_source
from internvl.media.tiling import check_size

ImageSource: TypeAlias = str | Path | bytes | PIL.Image.Image | numpy.ndarray[Any, numpy.dtype[Any]]

MAX_PIXELS = 100_000_000
"""The most pixels a picture may have unless the caller allows more: 300 MB once decoded."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""What is opened. Rarer formats have a history of parser faults and no place in a prompt. JPEG includes MPO."""

PLAIN_MODES = ("L", "1", "P", "PA", "LA", "La", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")

UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""What makes a picture with this EXIF orientation upright. From 5 on, width and height change places."""

# What Pillow's decoders raise for damaged files; UnidentifiedImageError is an OSError.
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    struct.error,
    zlib.error,
    PIL.Image.DecompressionBombError,
)


def open_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS, exif: bool = True) -> PIL.Image.Image:
    """The picture in RGB.

    source: a path, the bytes of an image file, uint8[H, W, 3] (also [H, W] grey and [H, W, 4] with alpha), or a Pillow picture,
        which is taken as it is, in its current frame and without regard to EXIF.
    exif: turn a file's picture upright by its EXIF orientation. TIFF is always upright: Pillow turns it by itself.

    Raises `MediaError` for whatever can't be used: no such file, an unknown format, more than `max_pixels`, no pixels, a
    damaged file, several frames, 32-bit pixels, or an array of another type or shape.
    """
    if isinstance(source, PIL.Image.Image):
        return _open_pillow(source, max_pixels)
    if isinstance(source, numpy.ndarray):
        return _open_array(source, max_pixels)
    with _opened(source, max_pixels) as (image, label):
        _check_frames(image, label)
        # Before decoding, so that `image_size`, which does not decode, finds the same.
        orientation = _orientation(image) if exif else 1
        rgb = _decoded_rgb(image, label)
    return rgb.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else rgb


def image_size(source: ImageSource, *, max_pixels: int = MAX_PIXELS, exif: bool = True) -> tuple[int, int]:
    """(width, height) in pixels of what `open_image` would return, from the header alone.

    Raises `MediaError` as `open_image` does, except for damage that only decoding can find.
    """
    if isinstance(source, PIL.Image.Image):
        _check_pixels(source.size, max_pixels, "this picture")
        return source.size
    if isinstance(source, numpy.ndarray):
        return _array_size(source, max_pixels)
    with _opened(source, max_pixels) as (image, label):
        _check_frames(image, label)
        width, height = image.size
        swapped = exif and _orientation(image) >= 5
    return (height, width) if swapped else (width, height)


@contextmanager
def _opened(source: str | Path | bytes, max_pixels: int) -> Iterator[tuple[PIL.ImageFile.ImageFile, str]]:
    """The file behind its header, not decoded, and what to call it in messages."""
    if not isinstance(source, str | Path | bytes):
        raise MediaError(
            "a picture is a path, the bytes of an image file, a PIL image or a uint8 array [height, width, 3], "
            f"not {type(source).__name__}"
        )
    label = named(source)
    with open_source(source) as stream:
        image = _identify(stream, label)
        _check_pixels(image.size, max_pixels, label)
        yield image, label


def _identify(stream: BinaryIO, label: str) -> PIL.ImageFile.ImageFile:
    """Read the header through Pillow's own table of plugins.

    `PIL.Image.open` would do the same, but warns from 89 megapixels on and raises from 179. The limit here is ours, and
    silencing warnings is not safe beside other threads.
    """
    prefix = stream.read(16)
    for name in FORMATS:
        factory, accepts = PIL.Image.OPEN[name]
        if accepts is None or accepts(prefix) is not True:
            continue
        stream.seek(0)
        try:
            return factory(stream, "")
        except PIL.Image.DecompressionBombError as error:  # from WebP, where the plugin has a limit of its own
            raise MediaError(f"{label} has too many megapixels: scale it down{_reason(error)}") from error
        except DECODER_ERRORS as error:
            raise MediaError(f"{label} starts like {name} but its header is damaged{_reason(error)}") from error
    kind = "is empty" if not prefix else "is of no known format"
    raise MediaError(f"{label} {kind}: {', '.join(FORMATS)} are read; convert it to one of them")


def _check_pixels(size: tuple[int, int], max_pixels: int, label: str) -> None:
    width, height = size
    if width * height > max_pixels:
        raise MediaError(
            f"{label} has {width} x {height} = {width * height / 1e6:.1f} megapixels, the limit is {max_pixels / 1e6:.1f}: "
            "scale it down"
        )
    check_size(width, height)


def _check_frames(image: PIL.ImageFile.ImageFile, label: str) -> None:
    """Refuse several frames: showing only the first would answer another question.

    An MPO file, which phones and stereo cameras write as `.jpg`, is no animation: its further pictures are previews, depth or
    gain maps of the first, and the first is shown.
    """
    if image.format == "MPO":
        return
    try:
        frames = getattr(image, "n_frames", 1)
    except DECODER_ERRORS as error:
        raise MediaError(f"{label} is damaged: its frames can't be counted{_reason(error)}") from error
    if frames > 1:
        raise MediaError(
            f"{label} is a {image.format} of {frames} frames: pass internvl.Video for an animation (GIF, APNG; over HTTP a video_url), "
            "or choose a frame with PIL's seek(n) and pass that picture"
        )


def _decoded_rgb(image: PIL.Image.Image, label: str) -> PIL.Image.Image:
    try:
        image.load()
    except DECODER_ERRORS as error:
        raise MediaError(f"{label} is damaged or truncated: its pixels can't be decoded{_reason(error)}") from error
    if image.mode == "RGB":
        return image
    if image.mode in PLAIN_MODES:
        return _converted(image)
    if image.mode in SIXTEEN_BIT_MODES:
        high = (numpy.asarray(image).astype(numpy.uint16) >> 8).astype(numpy.uint8)
        return PIL.Image.fromarray(high).convert("RGB")
    raise MediaError(
        f"{label} has {image.mode!r} pixels (32 bit), whose range is not known: scale them to 0...255 and pass a uint8 array"
    )


def _converted(image: PIL.Image.Image) -> PIL.Image.Image:
    # A palette's transparency is dropped with all other alpha; left in place it would only make Pillow warn.
    if image.mode == "P" and "transparency" in image.info:
        image = image.copy()
        del image.info["transparency"]
    return image.convert("RGB")


def _open_pillow(image: PIL.Image.Image, max_pixels: int) -> PIL.Image.Image:
    _check_pixels(image.size, max_pixels, "this picture")
    return _decoded_rgb(image, "this picture")


def _open_array(array: numpy.ndarray[Any, numpy.dtype[Any]], max_pixels: int) -> PIL.Image.Image:
    _array_size(array, max_pixels)
    colours = array[..., :3] if array.ndim == 3 else array
    return PIL.Image.fromarray(numpy.ascontiguousarray(colours)).convert("RGB")


def _array_size(array: numpy.ndarray[Any, numpy.dtype[Any]], max_pixels: int) -> tuple[int, int]:
    grey = array.ndim == 2
    if array.dtype != numpy.uint8 or not (grey or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise MediaError(
            f"a picture as an array is uint8 [height, width, 3] (or [height, width], or [height, width, 4]), "
            f"not {array.dtype} {list(array.shape)}"
        )
    height, width = array.shape[:2]
    _check_pixels((width, height), max_pixels, "this array")
    return width, height


def _orientation(image: PIL.ImageFile.ImageFile) -> int:
    """The EXIF orientation, 1 if there is none, it can't be read, or Pillow turns the picture itself (TIFF)."""
    if image.format == "TIFF":
        return 1
    if image.format == "PNG":
        _find_png_exif(image)
    try:
        # The base class's method: the one of PNG would decode all pixels to find a late chunk.
        value = PIL.Image.Image.getexif(image).get(Base.Orientation, 1)
    except DECODER_ERRORS:
        # Damaged EXIF blocks are common in sound pictures, and no other reader minds them.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _find_png_exif(image: PIL.ImageFile.ImageFile) -> None:
    """Put a PNG's eXIf chunk where `getexif` looks, also when it follows the pixels, where some editors write it."""
    stream = image.fp
    if "exif" in image.info or stream is None:
        return
    position = stream.tell()
    stream.seek(8)  # the signature
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            image.info["exif"] = b"Exif\x00\x00" + stream.read(length)
            break
        if kind == b"IEND":
            break
        stream.seek(length + 4, io.SEEK_CUR)  # the data and its checksum
    stream.seek(position)


def _reason(error: BaseException) -> str:
    """Pillow's own words in brackets, unless they hold a memory address, which must not reach a remote user."""
    text = str(error)
    return f" ({text})" if text and "0x" not in text else ""
