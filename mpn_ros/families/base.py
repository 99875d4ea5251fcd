"""What a family is: how the input of its networks is made, and what their outputs mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from mpn_ros.conventions import ChannelOrder
from mpn_ros.families.signature import Signature
from mpn_ros.skeleton import COCO


class Poses(NamedTuple):
    """The people of one image, in pixels of the network's input.

    boxes: ``(N, 5)`` x0, y0, x1, y1 edges and score 0..1.
    keypoints: ``(N, K, 3)`` x, y and score 0..1, in the order of the family's ``keypoints``.
    """

    boxes: np.ndarray
    keypoints: np.ndarray


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become numbers: ``(value - mean) / std`` for each channel, in the order of the network's channels.
    ``dtype`` is numpy's name for what the network takes."""

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channel_order: ChannelOrder = 'rgb'
    channels_last: bool = False
    dtype: str = 'float32'

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Images ``(B, h, w, 3)`` uint8 RGB as ``(B, 3, h, w)``, or with channels last."""
        if self.channel_order == 'bgr':
            images = images[..., ::-1]
        if any(self.mean) or self.std != (1.0, 1.0, 1.0):
            images = (images - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        if not self.channels_last:
            images = images.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(images, self.dtype)


@dataclass(frozen=True)
class Traits:
    """What the pipeline asks of a family.

    name: as users know it. keypoints: names, in the network's order.
    input_size: long side in pixels where the file leaves it open. multiple: what the sides are multiples of then.
    pad_value: grey of the padding. origin: 0.5 where a keypoint's whole numbers are the middles of pixels, 0 where they
    are the edges between them.
    overlap: IoU above which the weaker of two boxes is the same person; None where the network suppresses them itself.
    people: the most that are kept of an image before suppression, the most likely first.
    preprocessing: of ``preprocess``, which a file beside the network may change.
    """

    name: str
    keypoints: tuple[str, ...] = COCO.names
    input_size: int = 640
    multiple: int = 32
    pad_value: int = 114
    origin: float = 0.0
    overlap: float | None = None
    people: int = 1000
    preprocessing: Preprocessing = Preprocessing()


class Family(Protocol):
    """A family of networks. Other packages add theirs as classes under the entry point ``mpn_ros.families``."""

    form: str
    """What its files look like, for the list of what is known: one line."""

    traits: Traits

    @classmethod
    def recognise(cls, signature: Signature) -> Family | None:
        """The family set up for a file of this signature, or None if the file is none of its. Raises WeightsError for
        one that is, and cannot be used."""

    def preprocess(self, images: np.ndarray) -> np.ndarray:
        """Letterboxed images ``(B, h, w, 3)`` uint8 RGB as the network's input."""

    def decode(self, outputs: Sequence[np.ndarray], size: tuple[int, int]) -> list[Poses]:
        """The people of each image. outputs: the network's, in the file's order, each with the images first; size:
        width and height of the input."""
