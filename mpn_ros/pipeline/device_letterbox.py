"""The letterbox on a GPU: only the bytes of the images cross over, and scaling them there costs next to nothing.

Scaling is linear and works on each axis alone, so it is a matrix product from either side: ``rows @ image @
columns.T``. The matrices are those of ``Letterbox.apply``, which is OpenCV's ``INTER_AREA`` where an image shrinks and
``INTER_LINEAR`` where it grows; pixels differ from OpenCV's by at most 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from mpn_ros.conventions import ChannelOrder
from mpn_ros.pipeline.letterbox import Letterbox

_MOST_SIZES = 32


def area_weights(source: int, target: int) -> np.ndarray:
    """``(target, source)`` float32: how much of each of ``target`` pixels, which together cover as much as ``source``
    smaller ones, lies on each of these."""
    edges = np.arange(target + 1) * source / target
    pixels = np.arange(source)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (covered.clip(0) * target / source).astype(np.float32)


def linear_weights(source: int, target: int) -> np.ndarray:
    """``(target, source)`` float32: the share of the two pixels beside the middle of each new one; beyond the first and
    the last the image goes on as it ends."""
    middles = ((np.arange(target) + 0.5) * source / target - 0.5).clip(0, source - 1)
    return (1 - np.abs(middles[:, None] - np.arange(source))).clip(0).astype(np.float32)


class DeviceLetterbox:
    """What ``Letterbox.apply`` does, for a batch and on ``device``, in float16 where that is a GPU."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._on_gpu = device, device.type == 'cuda'
        self._dtype = torch.float16 if self._on_gpu else torch.float32
        self._staging = torch.empty(0, dtype=torch.uint8)
        self._sent: torch.cuda.Event | None = None
        self._weights = lru_cache(_MOST_SIZES)(self._make_weights)

    @torch.no_grad()
    def __call__(
        self,
        images: Sequence[np.ndarray],
        letterboxes: Sequence[Letterbox],
        orders: Sequence[ChannelOrder],
        pad_value: int,
    ) -> torch.Tensor:
        """Images ``(H, W, 3)`` uint8, each with a letterbox in the same input, as ``(B, h, w, 3)`` uint8 RGB on the
        device. It may still be at work when this returns."""
        width, height = letterboxes[0].input_size
        canvas = torch.full((len(images), height, width, 3), pad_value, dtype=torch.uint8, device=self._device)
        # What comes from cameras of one kind is scaled at once.
        batch = zip(letterboxes, orders, range(len(images)), self._send(images), strict=True)
        for (box, order), alike in itertools.groupby(batch, lambda row: row[:2]):
            _, _, places, pixels = zip(*alike)
            content = self._scale(torch.stack(pixels), box)
            columns, rows = box.content_size
            canvas[places[0] : places[-1] + 1, :rows, :columns] = content.flip(-1) if order == 'bgr' else content
        return canvas

    def _send(self, images: Sequence[np.ndarray]) -> list[torch.Tensor]:
        """The images on the device, by one copy from page-locked memory, which is kept."""
        ends = list(itertools.accumulate(image.size for image in images))
        if self._sent is not None:
            self._sent.synchronize()  # the copy before
        if len(self._staging) < ends[-1]:
            self._staging = torch.empty(ends[-1], dtype=torch.uint8, pin_memory=self._on_gpu)
        host = self._staging.numpy()
        for image, end in zip(images, ends):
            np.copyto(host[end - image.size : end].reshape(image.shape), image)
        flat = self._staging[: ends[-1]].to(self._device, non_blocking=True)
        if self._on_gpu:
            self._sent = torch.cuda.Event()
            self._sent.record(torch.cuda.current_stream(self._device))
        return [flat[end - image.size : end].view(image.shape) for image, end in zip(images, ends)]

    def _scale(self, pixels: torch.Tensor, box: Letterbox) -> torch.Tensor:
        """``(B, H, W, 3)`` to ``(B, h, w, 3)`` uint8 of the letterbox's content."""
        rows, columns = self._weights(box.image_size, box.content_size)
        batch, _, width, channels = pixels.shape
        scaled = (rows @ pixels.to(self._dtype).flatten(2)).reshape(batch, -1, width, channels)
        scaled = scaled.transpose(2, 3) @ columns.T
        return scaled.transpose(2, 3).round().clamp(0, 255).to(torch.uint8)

    def _make_weights(self, image_size: tuple[int, int], content_size: tuple[int, int]) -> list[torch.Tensor]:
        """Those of the rows and of the columns."""
        weights = area_weights if content_size[0] < image_size[0] else linear_weights
        return [
            torch.from_numpy(weights(source, target)).to(self._device, self._dtype)
            for source, target in zip(reversed(image_size), reversed(content_size))
        ]
