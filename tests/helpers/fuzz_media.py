"""Fuzzing targets of pictures and videos; see ``fuzz_targets``."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mutations import mend_png, spoil_bytes

Case = Callable[[random.Random, Path], None]


def _picture(height: int = 48, width: int = 64) -> Any:
    small = np.random.default_rng(0).integers(0, 255, (9, 16, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def pictures() -> Case:
    """Photos in all formats that are read, and animations; the first frames are decoded."""
    from PIL import Image

    image = _picture()
    gray_alpha = np.dstack([image[..., 0], image[..., 1]])
    modes = {"RGB": image, "L": image[..., 0], "LA": gray_alpha, "RGBA": np.dstack([image, image[..., :1]])}
    seeds: dict[str, bytes] = {}
    for kind, ending in (("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("BMP", ".bmp")):
        for mode, array in modes.items():
            if kind == "PNG" or mode in ("RGB", "L"):
                data = io.BytesIO()
                Image.fromarray(np.ascontiguousarray(array)).save(data, kind)
                seeds[f"{mode}{ending}"] = data.getvalue()
    seeds["16bit.png"] = cv2.imencode(".png", image.astype(np.uint16) * 257)[1].tobytes()
    frames = [Image.fromarray(np.roll(image, 3 * shift, 1)) for shift in range(4)]
    for kind, ending in (("GIF", ".gif"), ("WEBP", ".webp"), ("PNG", ".png")):
        data = io.BytesIO()
        frames[0].save(data, kind, save_all=True, append_images=frames[1:], duration=40)
        seeds[f"animated{ending}"] = data.getvalue()
    return _media(seeds)


def videos() -> Case:
    """Videos in all containers that FFmpeg writes here; the first frames are decoded."""
    import av

    image = _picture()
    kinds = {
        ".mp4": ("mp4", "libx264", "yuv420p"),
        ".mov": ("mov", "prores_ks", "yuva444p10le"),
        ".webm": ("webm", "libvpx-vp9", "yuva420p"),
        ".mkv": ("matroska", "libx264", "yuv420p"),
        ".avi": ("avi", "mpeg4", "yuv420p"),
        ".ts": ("mpegts", "mpeg2video", "yuv420p"),
        ".flv": ("flv", "flv", "yuv420p"),
        ".mjpeg": ("mjpeg", "mjpeg", "yuvj420p"),
        ".apng": ("apng", "apng", "rgba"),
    }
    seeds = {}
    for ending, (container_format, codec, pixel_format) in kinds.items():
        data = io.BytesIO()
        try:
            with av.open(data, "w", format=container_format) as container:
                stream = container.add_stream(codec, rate=25)
                stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
                for shift in range(5):
                    frame = av.VideoFrame.from_ndarray(np.roll(image, 3 * shift, 1), format="rgb24")
                    container.mux(stream.encode(frame.reformat(format=pixel_format)))
                container.mux(stream.encode(None))
        except (av.FFmpegError, ValueError):  # an encoder that this FFmpeg lacks
            continue
        seeds[f"clip{ending}"] = data.getvalue()
    return _media(seeds)


def _media(seeds: dict[str, bytes]) -> Case:
    from dance_now.media.open_media import open_source

    names = sorted(seeds)

    def case(chance: random.Random, folder: Path) -> None:
        name = chance.choice(names)
        data = spoil_bytes(chance, seeds[name], chance.choice((40, 120, 600, None)))
        if name.endswith("png") and chance.random() < 0.8:
            data = mend_png(data)
        path = folder / f"x{Path(name).suffix}"
        path.write_bytes(data)
        with open_source(path) as source:
            for frame in source.frames():
                assert frame.image.dtype == np.uint8
                assert frame.image.ndim == 3
                if frame.index > 6:
                    break

    return case
