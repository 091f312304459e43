"""Pictures enter as RGB, as the model card converts them, or not at all."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import textwrap
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
from PIL import ImageFile, ImageOps

from internvl.errors import MediaError
from internvl.media.image import MAX_PIXELS, image_size, open_image


def noise(height: int = 40, width: int = 60, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def encoded(image: PIL.Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A valid header with next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def palette_with_alpha() -> PIL.Image.Image:
    image = PIL.Image.fromarray(noise()).quantize(16)
    image.info["transparency"] = bytes(range(0, 256, 16))
    return image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_opens_as_the_card_converts_it(kind: str, tmp_path: Path) -> None:
    data = encoded(PIL.Image.fromarray(noise()), kind)
    path = tmp_path / "picture.bin"  # the content decides, not the name
    path.write_bytes(data)
    expected = PIL.Image.open(io.BytesIO(data)).convert("RGB")
    for source in (data, path, str(path)):
        opened = open_image(source)
        assert opened.mode == "RGB"
        assert opened.tobytes() == expected.tobytes()
        assert image_size(source) == opened.size == (60, 40)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB"])
def test_modes_convert_as_the_card_does(mode: str) -> None:
    image = PIL.Image.fromarray(noise())
    image = PIL.ImageCms.profileToProfile(image, *lab_profiles()) if mode == "LAB" else image.convert(mode)
    assert open_image(image).tobytes() == image.convert("RGB").tobytes()


def lab_profiles() -> tuple[object, ...]:
    from PIL import ImageCms

    return ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), 0, "LAB"


@pytest.mark.parametrize("image", [palette_with_alpha(), PIL.Image.fromarray(noise(channels=4))], ids=["P", "RGBA"])
def test_alpha_is_dropped_without_a_warning(image: PIL.Image.Image) -> None:
    data = encoded(image, "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = PIL.Image.open(io.BytesIO(data)).convert("RGB")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_image(data).tobytes() == expected.tobytes()


def test_palette_with_one_transparent_colour() -> None:
    image = PIL.Image.fromarray(noise()).quantize(16)
    data = encoded(image, "PNG", transparency=3)
    assert open_image(data).tobytes() == PIL.Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def test_cmyk_jpeg() -> None:
    data = encoded(PIL.Image.fromarray(noise()).convert("CMYK"), "JPEG")
    assert open_image(data).tobytes() == PIL.Image.open(io.BytesIO(data)).convert("RGB").tobytes()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind: str) -> None:
    grey = np.array([[0, 255, 256, 32768, 65535]], dtype=np.uint16)
    data = encoded(PIL.Image.fromarray(grey), kind)
    assert np.asarray(open_image(data))[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_big_endian_sixteen_bits() -> None:
    image = PIL.Image.frombytes("I;16B", (2, 1), b"\x12\x34\xff\x00")
    assert np.asarray(open_image(image))[0, :, 0].tolist() == [0x12, 0xFF]


@pytest.mark.parametrize("mode", ["F", "I"])
def test_thirty_two_bits_are_refused(mode: str) -> None:
    with pytest.raises(MediaError, match=r"32 bit.*uint8 array"):
        open_image(PIL.Image.new(mode, (4, 4)))
    with pytest.raises(MediaError, match="32 bit"):
        open_image(encoded(PIL.Image.new(mode, (4, 4)), "TIFF"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation(kind: str, orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[274] = orientation
    data = encoded(PIL.Image.fromarray(noise()), kind, exif=exif.tobytes())
    upright = ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(data))).convert("RGB")
    opened = open_image(data)
    assert opened.size == image_size(data) == upright.size == ((60, 40) if orientation < 5 else (40, 60))
    assert opened.tobytes() == upright.tobytes()
    card = PIL.Image.open(io.BytesIO(data)).convert("RGB")
    assert open_image(data, exif=False).tobytes() == card.tobytes()
    assert image_size(data, exif=False) == card.size


def test_exif_after_the_pixels_of_a_png() -> None:
    exif = PIL.Image.Exif()
    exif[274] = 6
    data = encoded(PIL.Image.fromarray(noise()), "PNG", exif=exif.tobytes())
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    late = data[:start] + data[end:-12] + data[start:end] + data[-12:]
    assert open_image(late).tobytes() == open_image(data).tobytes()
    assert image_size(late) == (40, 60)


def test_damaged_exif_is_no_orientation() -> None:
    data = encoded(PIL.Image.fromarray(noise()), "JPEG", exif=b"Exif\x00\x00MM nonsense")
    assert open_image(data).size == image_size(data) == (60, 40)


def test_a_pillow_picture_is_taken_as_it_is() -> None:
    exif = PIL.Image.Exif()
    exif[274] = 6
    image = PIL.Image.open(io.BytesIO(encoded(PIL.Image.fromarray(noise()), "JPEG", exif=exif.tobytes())))
    assert open_image(image).size == image_size(image) == (60, 40)


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3), (40, 60, 4)])
def test_arrays(shape: tuple[int, ...]) -> None:
    array = noise(channels=4)[..., : shape[2] if len(shape) == 3 else 1].reshape(shape)
    expected = array[..., :3] if array.ndim == 3 else np.repeat(array[..., None], 3, axis=2)
    assert np.array_equal(np.asarray(open_image(array)), expected)
    assert np.array_equal(np.asarray(open_image(array[:, ::-1])), expected[:, ::-1])
    assert image_size(array) == (60, 40)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 3), np.int64),
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((4,), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray) -> None:
    for read in (open_image, image_size):
        with pytest.raises(MediaError, match=r"uint8 \[height, width, 3\]|at least 1 x 1"):
            read(array)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("kept", [0.9, 0.5, 0.2, 0.02])
def test_truncated_files_are_refused(kind: str, kept: float) -> None:
    data = encoded(PIL.Image.fromarray(noise(200, 300)), kind)
    with pytest.raises(MediaError) as caught:
        open_image(data[: int(len(data) * kept)])
    assert "0x" not in str(caught.value)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"%PDF-1.7 ...", b"<svg xmlns='x'/>", b"<html>", b"8BPS\x00\x01", b"SIMPLE  =", b"GIF89a", b"\xff\xd8\xff", b"BM"],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    for read in (open_image, image_size):
        with pytest.raises(MediaError, match=r"bytes .*(known format|damaged|empty)") as caught:
            read(data)
        assert "0x" not in str(caught.value)


def test_missing_files_urls_and_other_types(tmp_path: Path) -> None:
    for source, message in (
        (tmp_path / "no.png", "can't open.*No such file"),
        (tmp_path, "can't open"),
        ("bad\0name", "not a usable path"),
        ("https://example.org/a.png", "URL"),
        ("data:image/png;base64,AAAA", "URL"),
        (3, "not int"),
        (None, "not NoneType"),
        ([1], "not list"),
    ):
        for read in (open_image, image_size):
            with pytest.raises(MediaError, match=message):
                read(source)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_zero_sides_are_refused(size: tuple[int, int]) -> None:
    for source in (PIL.Image.new("RGB", size), png_of_size(*size)):
        with pytest.raises(MediaError):
            open_image(source)


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1)])
def test_extreme_shapes_open(size: tuple[int, int]) -> None:
    assert open_image(encoded(PIL.Image.new("RGB", size), "PNG")).size == size


def test_the_pixel_limit_is_on_the_header_and_can_be_moved() -> None:
    data = encoded(PIL.Image.new("RGB", (30, 20)), "PNG")
    assert open_image(data, max_pixels=600).size == (30, 20)
    for read in (open_image, image_size):
        with pytest.raises(MediaError, match=r"30 x 20"):
            read(data, max_pixels=599)
        with pytest.raises(MediaError, match=r"200\.0 megapixels, the limit is 100\.0"):
            read(png_of_size(20_000, 10_000))
    assert MAX_PIXELS == 100_000_000


def test_no_warning_between_pillow_s_limit_and_ours() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image_size(png_of_size(9_900, 10_000)) == (9_900, 10_000)


def test_a_longest_side() -> None:
    with pytest.raises(MediaError, match="at most 100000 pixels"):
        image_size(png_of_size(1, 100_001))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("size", [(14_000, 15_000), (12_000, 12_000)])
def test_a_200_megapixel_file_costs_no_memory(kind: str, size: tuple[int, int], tmp_path: Path) -> None:
    """In a process of its own: the refusal must not raise the peak by more than a few MB."""
    path = tmp_path / "bomb"
    path.write_bytes(bomb(kind, *size))
    script = f"""
        import resource
        from internvl.errors import MediaError
        from internvl.media.image import open_image
        open_image({encoded(PIL.Image.new("RGB", (8, 8)), kind)!r})
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            open_image({str(path)!r})
        except MediaError as error:
            assert "megapixels" in str(error), error
        else:
            raise SystemExit("was opened")
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 20_000  # kB


def bomb(kind: str, width: int, height: int) -> bytes:
    """A small file whose header promises a large picture: only the size fields of a tiny file are changed."""
    if kind == "PNG":
        return png_of_size(width, height)
    data = encoded(PIL.Image.new("RGB", (57, 61)), kind, **({"lossless": True} if kind == "WEBP" else {}))
    if kind == "JPEG":
        return patched(data, data.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))
    if kind == "WEBP":
        return patched(data, 21, ((width - 1) | (height - 1) << 14).to_bytes(4, "little"))
    if kind == "GIF":
        return patched(data, 6, struct.pack("<HH", width, height))
    if kind == "BMP":
        return patched(data, 18, struct.pack("<ii", width, height))
    columns, rows = (data.index(struct.pack("<HHI", tag, 4, 1)) + 8 for tag in (256, 257))
    return patched(patched(data, columns, struct.pack("<I", width)), rows, struct.pack("<I", height))


def patched(data: bytes, at: int, field: bytes) -> bytes:
    return data[:at] + field + data[at + len(field) :]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_frames_are_refused_with_their_count(kind: str) -> None:
    frames = [PIL.Image.fromarray(noise(seed=seed)) for seed in range(3)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    for read in (open_image, image_size):
        with pytest.raises(MediaError, match=r"3 frames: pass internvl\.Video"):
            read(data)
    chosen = PIL.Image.open(io.BytesIO(data))
    chosen.seek(1)
    assert open_image(chosen).tobytes() == chosen.convert("RGB").tobytes()


def test_the_first_picture_of_an_mpo_is_shown() -> None:
    frames = [PIL.Image.fromarray(noise(seed=seed)) for seed in range(2)]
    data = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert PIL.Image.open(io.BytesIO(data)).n_frames == 2
    assert open_image(data).tobytes() == PIL.Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def test_other_formats_of_pillow_stay_closed() -> None:
    for kind in ("PPM", "TGA", "ICO", "PCX", "EPS", "PDF"):
        with pytest.raises(MediaError, match="no known format"):
            open_image(encoded(PIL.Image.fromarray(noise(16, 16)), kind))
