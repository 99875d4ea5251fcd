"""The front door: images in, people and a mask out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mpn_ros.backends import make_backend
from mpn_ros.backends.base import Pixels
from mpn_ros.errors import InferenceError, ParameterError
from mpn_ros.perception import Perceived
from mpn_ros.pipeline.device_letterbox import DeviceLetterbox
from mpn_ros.pipeline.grouping import Grouper, MaxGrouper, PRNGrouper, UCRGrouper
from mpn_ros.pipeline.letterbox import ChannelOrder, Letterbox, check_image, check_input_size, fit, share_input
from mpn_ros.pipeline.nms import suppress
from mpn_ros.scene import Person, Scene
from mpn_ros.skeleton import SkeletonLayout
from mpn_ros.weights import Weights, load_weights, resolve_weights


@dataclass(frozen=True)
class Thresholds:
    """What counts. ``person`` and ``keypoint`` scores from which a box is a person and a joint is seen; ``overlap``
    (IoU) above which the weaker of two boxes goes; ``mask`` probability from which a pixel is a person's; ``people``
    the most that are answered.

    The paper suppresses at an overlap of 0.3; on the validation images AP is 38.7, 38.9 and 39.0 at 0.3, 0.4 and 0.5,
    and the higher the overlap, the more second boxes of a person are left.
    """

    person: float = 0.4
    keypoint: float = 0.1
    overlap: float = 0.4
    mask: float = 0.4
    people: int = 20

    def __post_init__(self) -> None:
        for name in ('person', 'keypoint', 'overlap', 'mask'):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"threshold '{name}' must be 0 to 1, not {getattr(self, name)}")
        if self.people < 1:
            raise ParameterError(f"threshold 'people' must be at least 1, not {self.people}")


def make_grouper(name: str, weights: Weights) -> Grouper:
    """The grouper called 'prn', 'max' or 'ucr'. Raises ParameterError for another name, WeightsError if the weights
    lack its part."""
    if name == 'prn':
        return PRNGrouper(weights.prn())
    if name == 'max':
        return MaxGrouper(weights.preset.prn.box_margin)
    if name == 'ucr':
        return UCRGrouper(weights.ucr_prior(), weights.preset.prn.box_margin)
    raise ParameterError(f"grouper must be prn, max or ucr, not '{name}'")


class PosePipeline:
    """People in images, by one set of weights.

    weights: the name of weights that ship ('lite'), a weights file, or loaded ``Weights``.
    input_size: long side of the network's input in pixels, a multiple of 32; None takes what the weights were made for.
    backend, device, precision: see ``docs/backends.md``. grouper: 'prn', or the paper's baselines 'max' and 'ucr'.
    thresholds: may be replaced at any time; a call uses those that stand when it begins.

    Raises WeightsError, ParameterError or BackendUnavailable.
    """

    def __init__(
        self,
        weights: str | Path | Weights = 'lite',
        *,
        input_size: int | None = None,
        backend: str = 'auto',
        device: str = 'auto',
        precision: str = 'auto',
        grouper: str = 'prn',
        thresholds: Thresholds | None = None,
    ):
        loaded = weights if isinstance(weights, Weights) else load_weights(resolve_weights(weights))
        self.weights = loaded
        self.input_size = loaded.preset.input_size if input_size is None else input_size
        check_input_size(self.input_size)
        self.thresholds = thresholds or Thresholds()
        self.backend = make_backend(loaded.network(), backend, device, precision)
        self._on_gpu = None if self.backend.gpu is None else DeviceLetterbox(self.backend.gpu)
        self.grouper = make_grouper(grouper, loaded)
        # The grey of the padding, which normalises to 0.
        self.fill = round(sum(loaded.preset.preprocessing.mean) / 3)

    @property
    def layout(self) -> SkeletonLayout:
        """The K keypoints of the weights, in the order of ``Person.keypoints``."""
        return self.weights.preset.layout

    @property
    def largest_batch(self) -> int:
        """The most images that ``batch`` answers faster than one after the other; 1 on a CPU."""
        return self.backend.largest_batch

    @property
    def one_thread(self) -> bool:
        """Whether the backend wants all calls from the same thread."""
        return self.backend.one_thread

    def __call__(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> Scene:
        """The people and the mask of one image ``(H, W, 3)`` uint8. Raises ImageError if it is not such an array."""
        return self.batch([image], channel_order)[0]

    def batch(
        self, images: Sequence[np.ndarray], channel_order: ChannelOrder | Sequence[ChannelOrder] = 'rgb'
    ) -> list[Scene]:
        """A scene for each image, from one forward pass and one batch of the grouper. Images may differ in size; each
        has the ``channel_order`` given for all, or its own. Raises ImageError, ParameterError for another channel
        order, and InferenceError where the network answers with NaN or infinity."""
        if not images:
            return []
        orders = [channel_order] * len(images) if isinstance(channel_order, str) else list(channel_order)
        thresholds = self.thresholds
        if len(orders) != len(images) or not set(orders) <= {'rgb', 'bgr'}:
            raise ParameterError(f"channel_order must be 'rgb' or 'bgr' for each of {len(images)} images, not {orders}")
        for image in images:
            check_image(image)
        letterboxes, pixels = self.letterbox(images, orders)
        return self.scenes(letterboxes, self.backend(pixels), thresholds)

    def scenes(self, letterboxes: Sequence[Letterbox], seen: Perceived, thresholds: Thresholds) -> list[Scene]:
        """A scene for each image of what the network saw in it, in its letterbox. Raises InferenceError where that is
        NaN or infinite."""
        boxes = self.boxes(seen, thresholds)
        keypoints = self.grouper(list(seen.peaks), boxes)
        return [self._scene(*parts, thresholds) for parts in zip(letterboxes, boxes, keypoints, seen.person)]

    def observe(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> tuple[np.ndarray, np.ndarray]:
        """What a grouper is given of one image ``(H, W, 3)`` uint8, in its pixels: peaks ``(K, N, 3)`` and the boxes
        that stay ``(M, 5)``. Raises ImageError."""
        check_image(image)
        [letterbox], pixels = self.letterbox([image], [channel_order])
        seen = self.backend(pixels)
        [boxes] = self.boxes(seen, self.thresholds)
        peaks = np.concatenate([letterbox.points_to_image(seen.peaks[0, ..., :2]), seen.peaks[0, ..., 2:]], -1)
        return peaks, np.concatenate([letterbox.boxes_to_image(boxes[:, :4]), boxes[:, 4:]], -1)

    def letterbox(
        self, images: Sequence[np.ndarray], orders: Sequence[ChannelOrder]
    ) -> tuple[list[Letterbox], Pixels]:
        """How each image lies in the network's input, and the input ``(B, h, w, 3)`` uint8 RGB, on the GPU where the
        backend has one."""
        letterboxes = share_input([fit(image.shape, self.input_size) for image in images])
        if self._on_gpu is not None:
            return letterboxes, self._on_gpu(images, letterboxes, orders, self.fill)
        fitted = [box.apply(image, order, self.fill) for box, image, order in zip(letterboxes, images, orders)]
        return letterboxes, np.stack(fitted)

    def boxes(self, seen: Perceived, thresholds: Thresholds) -> list[np.ndarray]:
        """The boxes ``(M, 5)`` that stay in each image, in pixels of the input. Raises InferenceError where the
        network's answer is NaN or infinite."""
        if not all(np.isfinite(part).all() for part in seen):
            raise InferenceError(f'the answer of the network is not finite ({self.backend.description})')
        return [
            suppress(found, score=thresholds.person, overlap=thresholds.overlap, limit=thresholds.people)
            for found in seen.boxes
        ]

    @staticmethod
    def _scene(
        letterbox: Letterbox, boxes: np.ndarray, keypoints: np.ndarray, person: np.ndarray, thresholds: Thresholds
    ) -> Scene:
        width, height = letterbox.image_size
        corners = letterbox.boxes_to_image(boxes[:, :4]).clip(0, (width, height, width, height))
        joints = keypoints.copy()
        joints[..., :2] = letterbox.points_to_image(keypoints[..., :2])
        joints[~(joints[..., 2] >= thresholds.keypoint)] = (np.nan, np.nan, 0)
        people = tuple(
            Person(box, float(score), pose)
            for box, score, pose in zip(corners, boxes[:, 4], joints)
            if (box[2:] > box[:2]).all()
        )  # a box in the padding has nothing of the image
        probability = letterbox.map_to_image(person)
        mask = np.multiply(probability >= thresholds.mask, 255, dtype=np.uint8)  # cv2.compare fails on a single pixel
        return Scene(people, mask)
