"""Fits an image into the network's input and brings positions back, exactly."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mpn_ros.conventions import INPUT_MULTIPLE, ChannelOrder
from mpn_ros.errors import ImageError, ParameterError

_LONGEST_INPUT = 4096
_LONGEST_SIDE = 32767  # beyond it cv2.resize fails


@dataclass(frozen=True)
class Letterbox:
    """How an image of ``image_size`` (width, height) lies in an input of ``input_size`` (width, height): scaled to
    ``content_size`` at the top left, the rest is padding."""

    image_size: tuple[int, int]
    content_size: tuple[int, int]
    input_size: tuple[int, int]

    @property
    def scale(self) -> np.ndarray:
        """``(2,)`` input pixels for each image pixel, in x and y; rounding to whole pixels lets them differ a
        little."""
        return np.array(self.content_size, np.float64) / np.array(self.image_size, np.float64)

    def boxes_to_image(self, boxes: np.ndarray) -> np.ndarray:
        """Edges ``(..., 4)`` from input to image pixels."""
        return (boxes / np.tile(self.scale, 2)).astype(np.float32)

    def points_to_image(self, points: np.ndarray) -> np.ndarray:
        """Points ``(..., 2)`` from input to image pixels."""
        return ((points + 0.5) / self.scale - 0.5).astype(np.float32)

    def apply(self, image: np.ndarray, channel_order: ChannelOrder, pad_value: int) -> np.ndarray:
        """The image ``(H, W, 3)`` uint8 as an input ``(h, w, 3)`` RGB uint8."""
        width, height = self.content_size
        shrinks = width < self.image_size[0]
        canvas = np.full((self.input_size[1], self.input_size[0], 3), pad_value, np.uint8)
        content = canvas[:height, :width]  # into which OpenCV writes
        cv2.resize(image, (width, height), content, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        if channel_order == 'bgr':
            cv2.cvtColor(content, cv2.COLOR_BGR2RGB, content)  # numpy takes 40 times as long
        return canvas

    def map_to_image(self, values: np.ndarray) -> np.ndarray:
        """A map ``(h, w)`` float32 over the input, at any stride, as ``(H, W)`` float32 over the image."""
        # Both cv2 and the map count from the middle of a pixel or cell; the scale is between their edges.
        x, y = self.scale * values.shape[1] / self.input_size[0]
        to_map = np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5]])
        return cv2.warpAffine(
            values,
            to_map,
            self.image_size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )


def check_image(image: np.ndarray) -> None:
    """Raises ImageError unless ``image`` is ``(H, W, 3)`` uint8 of a size that can be worked on."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        what = f'{image.dtype} {image.shape}' if isinstance(image, np.ndarray) else type(image).__name__
        raise ImageError(f'an image must be a uint8 array of shape (height, width, 3), not {what}')
    if not 0 < min(image.shape[:2]) <= max(image.shape[:2]) <= _LONGEST_SIDE:
        raise ImageError(
            f'an image of {image.shape[1]}x{image.shape[0]} pixels cannot be used; sides must be 1 to {_LONGEST_SIDE}'
        )


def check_input_size(long_side: int) -> None:
    """Raises ParameterError unless the network can take an input of that long side in pixels."""
    if long_side % INPUT_MULTIPLE or not INPUT_MULTIPLE <= long_side <= _LONGEST_INPUT:
        raise ParameterError(
            f'input_size must be a multiple of {INPUT_MULTIPLE} from {INPUT_MULTIPLE} to {_LONGEST_INPUT}, '
            f'not {long_side}'
        )


def compute_letterbox(image_shape: tuple[int, ...], size: int | tuple[int, int]) -> Letterbox:
    """The letterbox that brings the longer side of an image ``(H, W, ...)`` to ``size``, in the smallest input that
    holds it; or the image into an input of that ``size`` (width, height) and no other."""
    height, width = image_shape[:2]
    longest = (size, size) if isinstance(size, int) else size
    scale = min(longest[0] / width, longest[1] / height)
    content = max(1, round(width * scale)), max(1, round(height * scale))
    smallest = (
        INPUT_MULTIPLE * math.ceil(content[0] / INPUT_MULTIPLE),
        INPUT_MULTIPLE * math.ceil(content[1] / INPUT_MULTIPLE),
    )
    return Letterbox((width, height), content, smallest if isinstance(size, int) else size)


def pad_to_common_size(letterboxes: Sequence[Letterbox]) -> list[Letterbox]:
    """The same letterboxes in the smallest input that holds each of them, as a batch needs it."""
    width, height = (max(sides) for sides in zip(*(box.input_size for box in letterboxes)))
    return [dataclasses.replace(box, input_size=(width, height)) for box in letterboxes]
