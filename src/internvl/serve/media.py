"""Pictures and clips of a request, from their URLs to bytes, counted; nothing is opened here.

    data:image/png;base64,... | https://... --bytes, counted--> Image, Video

Runs in a worker thread: base64 costs time, and URLs cost patience. The files are opened elsewhere (`decoders`).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from internvl.errors import MediaError
from internvl.media.opening import DEFAULT_FRAMES
from internvl.media.tiling import TilePolicy
from internvl.messages import Image, Video
from internvl.serve.config import ServeConfig
from internvl.serve.errors import ApiError
from internvl.serve.fetch import Fetcher
from internvl.serve.schema import ImageUrl, VideoUrl

HIGH_TILES = 12
"""What `detail: high` gives at least."""


@dataclass
class MediaReader:
    """The media of one request. It counts what it has handed out."""

    config: ServeConfig
    policy: TilePolicy
    fetcher: Fetcher
    images: int = field(default=0, init=False)
    videos: int = field(default=0, init=False)

    def image(self, given: ImageUrl, *, max_tiles: int | None) -> Image:
        """A picture with its tile limit; `max_tiles` is the request's, for pictures without one. Raises ApiError, MediaError."""
        self.images += 1
        if self.images > self.config.max_images:
            raise _too_many("pictures", self.config.max_images)
        return Image(self._bytes(given.url, "image"), max_tiles=_tiles(given, max_tiles, self.policy))

    def video(self, given: VideoUrl) -> Video:
        """A clip; its stills are counted against the limit before any is decoded. Raises ApiError."""
        self.videos += 1
        if self.videos > self.config.max_videos:
            raise _too_many("clips", self.config.max_videos)
        most = self.config.max_frames
        if given.frames is not None and given.frames > most:
            raise ApiError(f"a clip may have {most} frames, not {given.frames}", param="frames", code="too_many_frames")
        if given.start_s is not None and given.end_s is not None and given.end_s <= given.start_s:
            raise ApiError("a clip must end after it starts: end_s is not above start_s", param="end_s")
        frames = given.frames or (min(DEFAULT_FRAMES, most) if given.fps is None else most)
        return Video(
            self._bytes(given.url, "video"),
            frames=frames,
            fps=given.fps,
            start_s=given.start_s,
            end_s=given.end_s,
            max_tiles=given.max_tiles,
        )

    def _bytes(self, url: str, kind: str) -> bytes:
        if url[:5].lower() == "data:":
            return data_url(url, kind, max_bytes=self.config.max_media_bytes)
        if url[:7].lower() == "http://" or url[:8].lower() == "https://":
            if not self.config.allow_urls:
                raise ApiError(
                    "this server fetches no URLs (it was started without --allow-urls): send the file in a data: URL",
                    status=422,
                    code="media_url_blocked",
                )
            return self.fetcher.fetch(url)
        raise ApiError("a picture or clip is a data:, http: or https: URL", status=422, code="media_url_blocked")


def data_url(url: str, kind: str, *, max_bytes: int) -> bytes:
    """The bytes of a base64 data: URL of an image or a video. Raises ApiError 413, 422."""
    head, comma, payload = url.partition(",")
    words = head[5:].lower().split(";")
    # A GIF is an image to MIME, and a clip to whoever shows it as one.
    right = words[0].startswith(f"{kind}/") or (kind == "video" and words[0] == "image/gif")
    if not comma or words[-1] != "base64" or not right:
        raise _bad(f"a data: URL looks like data:{kind}/...;base64,...")
    if len(payload) * 3 // 4 > max_bytes + 2:
        raise ApiError(f"a file is larger than {max_bytes} bytes", status=413, code="media_too_large")
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise _bad("the base64 of a data: URL is damaged") from None


def _tiles(given: ImageUrl, max_tiles: int | None, policy: TilePolicy) -> int | None:
    """The tile limit of one picture; None leaves the policy as it is."""
    if given.max_tiles is not None or max_tiles is not None:
        chosen = given.max_tiles if given.max_tiles is not None else max_tiles
        if chosen != 1 and not policy.dynamic:
            raise MediaError("this model shows every picture as one tile; max_tiles can only be 1")
        return chosen
    if given.detail == "high" and policy.dynamic:
        return max(HIGH_TILES, policy.max_tiles)
    return 1 if given.detail == "low" else None


def _bad(message: str) -> ApiError:
    return ApiError(message, status=422, code="invalid_data_url")


def _too_many(what: str, limit: int) -> ApiError:
    return ApiError(f"a request may have {limit} {what}", status=400, code="too_many_media")
