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

    Attributes:
        boxes: ``(N, 5)``: x0, y0, x1, y1 edges and score 0..1.
        keypoints: ``(N, K, 3)``: x, y and score 0..1, in the order of the family's ``keypoints``.
    """

    boxes: np.ndarray
    keypoints: np.ndarray


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become numbers: ``(value - mean) / std``.

    Attributes:
        mean: Of each channel, 0..255, in the order of the network's channels.
        std: Of each channel, in the same units.
        channel_order: 'rgb' or 'bgr'.
        channels_last: Whether the network takes ``(B, h, w, 3)``.
        dtype: numpy's name for what it takes.

    Examples:
        >>> Preprocessing(std=(255.0, 255.0, 255.0))(np.full((1, 2, 4, 3), 255, np.uint8)).shape
        (1, 3, 2, 4)
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channel_order: ChannelOrder = 'rgb'
    channels_last: bool = False
    dtype: str = 'float32'

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """The input of the network.

        Args:
            images: ``(B, h, w, 3)`` uint8 RGB.

        Returns:
            ``(B, 3, h, w)`` of ``dtype``, or with channels last.
        """
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

    Attributes:
        name: As users know it.
        keypoints: Their names, in the network's order.
        input_size: Long side in pixels where the file leaves it open.
        multiple: What the sides are multiples of then.
        pad_value: Grey of the padding, 0..255.
        origin: 0.5 where a keypoint's whole numbers are the middles of pixels, 0 where they are the edges between them.
        overlap: IoU above which the weaker of two boxes is the same person; None where the network suppresses them
            itself.
        people: The most that are kept of an image before suppression, the most likely first.
        preprocessing: Of ``preprocess``; a file beside the network may change it.
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
        """Whether a file is one of its networks.

        Args:
            signature: The file's inputs, outputs and metadata.

        Returns:
            The family set up for that file, or None if it is another's.

        Raises:
            WeightsError: The file is one of its networks, and cannot be used.
        """

    def preprocess(self, images: np.ndarray) -> np.ndarray:
        """The input of the network.

        Args:
            images: Letterboxed, ``(B, h, w, 3)`` uint8 RGB.

        Returns:
            What the network takes.
        """

    def decode(self, outputs: Sequence[np.ndarray], size: tuple[int, int]) -> list[Poses]:
        """The people of each image.

        Args:
            outputs: The network's, in the file's order, each with the images first.
            size: Width and height of the input in pixels.

        Returns:
            The poses of each image.
        """
