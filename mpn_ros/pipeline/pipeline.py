"""The front door: images in, people and a mask out."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mpn_ros import assignment
from mpn_ros.backends import Backend, make_backend
from mpn_ros.backends.base import Pixels
from mpn_ros.conventions import ChannelOrder
from mpn_ros.errors import InferenceError, ParameterError
from mpn_ros.families.network import PoseNetwork, open_weights
from mpn_ros.memory import return_freed_memory
from mpn_ros.pipeline.grouping import Grouper, MaxGrouper, PRNGrouper, UCRGrouper
from mpn_ros.pipeline.letterbox import (
    Letterbox,
    check_image,
    check_input_size,
    compute_letterbox,
    pad_to_common_size,
)
from mpn_ros.pipeline.looks import Look, Plan, Refinement, gather, look_at_windows, merge, person_probability
from mpn_ros.pipeline.nms import nms
from mpn_ros.pipeline.windows import Window, WindowSettings, check_refine, plan_windows
from mpn_ros.raw_detections import RawDetections
from mpn_ros.result import Person, PoseResult
from mpn_ros.skeleton import SkeletonLayout
from mpn_ros.weights import Weights, load_weights, resolve_weights

if TYPE_CHECKING:
    from mpn_ros.pipeline.device_letterbox import DeviceLetterbox

_log = logging.getLogger(__name__)
DEFAULT_REFINE = {'cpu': 4, 'gpu': 16}
"""The most windows of an image, where nobody says how many."""
GPU_WINDOWS = WindowSettings(shapes=((192, 192),))
"""On a GPU pixels are cheap and a graph for each shape and batch is dear: one shape, in batches of ``GPU_BATCH``."""
GPU_BATCH = 8
_OVERLAP = 0.4


@dataclass(frozen=True)
class Thresholds:
    """What counts as a person, a keypoint, a pixel of a person.

    Attributes:
        score_threshold: 0..1; a box with a lower score is no person.
        keypoint_threshold: 0..1; a keypoint with a lower score is not visible.
        nms_iou: 0..1; of two boxes with a higher intersection over union the weaker goes. None takes the network's own.
        mask_threshold: 0..1; from this probability on a pixel is a person's.
        max_people: the most people of an image, at least 1.

    Raises:
        ParameterError: a value is outside its range.

    Examples:
        >>> Thresholds(score_threshold=0.6).max_people
        20
    """

    # The paper suppresses at an overlap of 0.3; on the validation images AP is 38.7, 38.9 and 39.0 at 0.3, 0.4 and 0.5,
    # and the higher the overlap, the more second boxes of a person are left: ``_OVERLAP`` is that of our weights.
    score_threshold: float = 0.4
    keypoint_threshold: float = 0.1
    nms_iou: float | None = None
    mask_threshold: float = 0.4
    max_people: int = 20

    def __post_init__(self) -> None:
        for name in ('score_threshold', 'keypoint_threshold', 'nms_iou', 'mask_threshold'):
            if not 0 <= (getattr(self, name) or 0) <= 1:
                raise ParameterError(f"'{name}' must be 0 to 1, not {getattr(self, name)}")
        if self.max_people < 1:
            raise ParameterError(f"'max_people' must be at least 1, not {self.max_people}")


def make_grouper(name: str, weights: Weights) -> Grouper:
    """The grouper called 'prn', 'max' or 'ucr'; 'auto' is the PRN. Raises ParameterError for another name, WeightsError
    if the weights lack its part."""
    if name in ('auto', 'prn'):
        return PRNGrouper(weights.stored_prn())
    if name == 'max':
        return MaxGrouper(weights.preset.prn.box_margin)
    if name == 'ucr':
        return UCRGrouper(weights.ucr_prior(), weights.preset.prn.box_margin)
    raise ParameterError(f"grouper must be auto, prn, max or ucr, not '{name}'")


def _device_letterbox(backend: Backend) -> DeviceLetterbox | None:
    """What scales images on the GPU, where the backend has one."""
    if backend.info.gpu is None:
        return None
    from mpn_ros.pipeline.device_letterbox import DeviceLetterbox

    return DeviceLetterbox(backend.info.gpu)


class PosePipeline:
    """People in images, by one set of weights.

    Several threads may call one pipeline; they take turns at the network. On a GPU, graphs belong to the thread that
    calls first, and others are told so (ParameterError).

    Args:
        weights: the name of weights that ship ('lite'), a weights file, a network of others (``docs/models.md``), or
            what ``open_weights`` gives.
        input_size: long side of the network's input in pixels, a multiple of 32; None takes what the weights were made
            for.
        backend: what runs the network, as in ``docs/backends.md``.
        device: 'cpu', 'cuda', 'cuda:1'; 'auto' takes a GPU where there is one.
        precision: 'fp16', 'bf16', 'fp32'; 'auto' takes the fastest that the device and the backend have.
        grouper: 'prn', or the paper's baselines 'max' and 'ucr'; 'auto' is the PRN for our weights, and what the
            network itself groups for others.
        refine: the most windows of an image for a second look at people whose size does not suit the network, 0 to 32
            (``docs/second_look.md``). None takes 4 on a CPU and 16 on a GPU, and 0 for networks of others.
        thresholds: may be replaced at any time, as ``refine`` may; a call uses those that stand when it begins.

    Raises:
        WeightsError: the weights are not there, or damaged.
        ParameterError: an argument is out of range.
        BackendUnavailable: what was asked for cannot run here.

    Examples:
        >>> pipeline = PosePipeline('lite', input_size=64, backend='eager', device='cpu', precision='fp32')
        >>> result = pipeline(np.zeros((48, 64, 3), np.uint8))
        >>> result.people, result.mask.shape
        ((), (48, 64))
    """

    def __init__(
        self,
        weights: str | Path | Weights | PoseNetwork = 'lite',
        *,
        input_size: int | tuple[int, int] | None = None,
        backend: str = 'auto',
        device: str = 'auto',
        precision: str = 'auto',
        grouper: str = 'auto',
        refine: int | None = None,
        thresholds: Thresholds | None = None,
    ):
        loaded = open_weights(weights) if isinstance(weights, (str, Path)) else weights
        self.weights = loaded
        self.segments, self._overlap, self._shift = True, _OVERLAP, 0.0
        if isinstance(loaded, PoseNetwork):
            self.segments, self._overlap, self._shift = False, loaded.overlap, loaded.shift
            self.input_size = loaded.sized(input_size)
            self.backend = loaded.backend(backend, device, precision)
            self.grouper = loaded.grouper(grouper, lambda: make_grouper(grouper, load_weights(resolve_weights('lite'))))
            self.pad_value = loaded.family.traits.pad_value
            thresholds = thresholds or Thresholds(**loaded.file.side.thresholds)
        else:
            self.input_size = loaded.preset.input_size if input_size is None else input_size
            self.backend = make_backend(loaded, backend, device, precision)
            self.grouper = make_grouper(grouper, loaded)
            # The grey of the padding, which normalises to 0.
            self.pad_value = round(sum(loaded.preset.preprocessing.mean) / 3)
        self.thresholds = thresholds or Thresholds()
        self._on_gpu = _device_letterbox(self.backend)
        self.refine = self.default_refine if refine is None else refine
        check_refine(self.refine)
        on_gpu = self.backend.info.gpu is not None
        self.windows, self._window_batch = (GPU_WINDOWS, GPU_BATCH) if on_gpu else (WindowSettings(), 1)
        self._turn, self._preparing = threading.Lock(), False
        self._thread: threading.Thread | None = None
        if isinstance(self.input_size, int):
            check_input_size(self.input_size)
        else:  # the only one that the network takes
            self.windows = dataclasses.replace(self.windows, shapes=(self.input_size,))
        return_freed_memory()

    @property
    def layout(self) -> SkeletonLayout:
        """The K keypoints of the weights, in the order of ``Person.keypoints``."""
        return self.weights.preset.layout

    @property
    def default_refine(self) -> int:
        """The most windows of an image where nobody says how many."""
        return DEFAULT_REFINE['cpu' if self.backend.info.gpu is None else 'gpu'] if self.segments else 0

    @property
    def max_batch_size(self) -> int:
        """The most images that ``batch`` answers faster than one after the other; 1 on a CPU."""
        return self.backend.info.max_batch_size

    @property
    def thread_affine(self) -> bool:
        """Whether the backend wants all calls from the same thread."""
        return self.backend.info.thread_affine

    def __call__(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> PoseResult:
        """The people and the mask of one image ``(H, W, 3)`` uint8. Raises ImageError if it is not such an array."""
        return self.batch([image], channel_order)[0]

    def batch(
        self,
        images: Sequence[np.ndarray],
        channel_order: ChannelOrder | Sequence[ChannelOrder] = 'rgb',
        expected: Sequence[np.ndarray | None] | None = None,
    ) -> list[PoseResult]:
        """A result for each image, from one forward pass, one of all windows and one batch of the grouper.

        Args:
            images: Each ``(H, W, 3)`` uint8; they may differ in size.
            channel_order: 'rgb' or 'bgr', of all images or of each.
            expected: For each image None, or boxes ``(P, 4)`` x0, y0, x1, y1 in pixels of the people who should be in
                it, such as a tracker's. Then only windows around them are looked at, if ``refine`` is enough for all of
                them: who is new is not seen, and the mask is empty between the windows.

        Returns:
            The results in the order of the images.

        Raises:
            ImageError: An image is not such an array.
            ParameterError: The channel order is another.
            InferenceError: The network answers with NaN or infinity.
        """
        if not images:
            return []
        orders = [channel_order] * len(images) if isinstance(channel_order, str) else list(channel_order)
        thresholds, refine = self.thresholds, 0 if self._preparing else self.refine
        if len(orders) != len(images) or not set(orders) <= {'rgb', 'bgr'}:
            raise ParameterError(f"channel_order must be 'rgb' or 'bgr' for each of {len(images)} images, not {orders}")
        for image in images:
            check_image(image)
        with self._network():
            known = self._expected_looks(images, expected or [None] * len(images), refine)
            rest = [index for index in range(len(images)) if index not in known]
            first = dict(known)
            if rest:
                letterboxes, pixels = self.letterbox([images[i] for i in rest], [orders[i] for i in rest])
                looks = self.first_looks(letterboxes, self.backend(pixels), thresholds)
                first |= {index: dataclasses.replace(look, image=index) for index, look in zip(rest, looks)}
            ordered = [first[index] for index in range(len(images))]
            second = self.second_looks(ordered, refine, lambda plans: self.see(images, orders, plans))
        return self.postprocess(ordered, second, self.group(ordered, second), thresholds)

    def warm(self) -> None:
        """Prepares the backend for windows, so that the first second look need not wait for it, nor the first people
        who stand close. Images that other threads ask about meanwhile are looked at once: they need not wait either."""
        if self.refine:
            self._preparing = True
            try:
                for width, height in self.windows.shapes:
                    with self._network():
                        self.backend(np.full((self._window_batch, height, width, 3), self.pad_value, np.uint8))
                    time.sleep(0.001)  # for whoever waits with an image: a lock alone gives nobody the next turn
            finally:
                self._preparing = False
        assignment.warm()

    def detect_raw(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> tuple[np.ndarray, np.ndarray]:
        """What a grouper is given of the first look at one image.

        Args:
            image: ``(H, W, 3)`` uint8.
            channel_order: 'rgb' or 'bgr'.

        Returns:
            Peaks ``(K, N, 3)`` and the boxes that stay ``(M, 5)``, in the image's pixels, with scores.

        Raises:
            ImageError: The image is not such an array.
        """
        check_image(image)
        with self._network():
            letterboxes, pixels = self.letterbox([image], [channel_order])
            [look] = self.first_looks(letterboxes, self.backend(pixels), self.thresholds)
        positions = look.view.points_to_image(look.peaks[..., :2]) + self._shift
        return np.concatenate([positions, look.peaks[..., 2:]], -1), look.boxes_in_image

    @contextmanager
    def _network(self) -> Iterator[None]:
        """The network for one thread at a time where its backend keeps the memory that it computes in."""
        with nullcontext() if self.backend.info.concurrent else self._turn:
            asking = threading.current_thread()
            self._thread = self._thread or asking
            if self._thread is not asking and self.thread_affine and self.backend.info.gpu is not None:
                raise ParameterError(
                    f"{self.backend.info} answers in the thread that asked first, '{self._thread.name}', not in "
                    f"'{asking.name}': make a pipeline for each thread"
                )
            yield

    def letterbox(self, images: Sequence[np.ndarray], orders: Sequence[ChannelOrder]) -> tuple[list[Letterbox], Pixels]:
        """The first step: images to the network's input.

        Args:
            images: Each ``(H, W, 3)`` uint8.
            orders: 'rgb' or 'bgr' of each.

        Returns:
            How each image lies in the input, and the input ``(B, h, w, 3)`` uint8 RGB, on the GPU where the backend has
            one.
        """
        letterboxes = pad_to_common_size([compute_letterbox(image.shape, self.input_size) for image in images])
        return letterboxes, self._inputs(images, letterboxes, orders)

    def first_looks(
        self, views: Sequence[Letterbox], seen: RawDetections, thresholds: Thresholds
    ) -> list[Look[Letterbox]]:
        """The second step: what the network saw, with the boxes that stay.

        Args:
            views: How each image lies in the input.
            seen: The network's answer.
            thresholds: From which score a box stays, and how many.

        Returns:
            A look at each image as a whole.

        Raises:
            InferenceError: The answer is NaN or infinite.
        """
        if not all(np.isfinite(part).all() for part in seen):
            raise InferenceError(f'the answer of the network is not finite ({self.backend.info})')
        looks, overlap = [], self._overlap if thresholds.nms_iou is None else thresholds.nms_iou
        for index, (view, peaks, found, person) in enumerate(zip(views, *seen)):
            boxes = nms(
                found,
                score_threshold=thresholds.score_threshold,
                iou_threshold=overlap,
                max_boxes=thresholds.max_people,
            )
            looks.append(Look(index, view, range(len(boxes)), boxes, boxes[:, 4], peaks, person))
        return looks

    def _expected_looks(
        self, images: Sequence[np.ndarray], expected: Sequence[np.ndarray | None], refine: int
    ) -> dict[int, Look[Letterbox]]:
        """For the images that windows around ``expected`` people suffice for, by their number: who should be there, in
        the place of a first look."""
        known: dict[int, Look[Letterbox]] = {}
        for index, (image, boxes) in enumerate(zip(images, expected, strict=True)):
            if boxes is None or not len(boxes):
                continue
            view = compute_letterbox(image.shape, self.input_size)
            width, height = view.image_size
            inside = np.asarray(boxes, np.float32)[:, :4].clip(0, (width, height, width, height))
            inside = inside[(inside[:, 2:] - inside[:, :2] >= 1).all(1)]
            rows = np.column_stack([inside, np.ones(len(inside))]).astype(np.float32)
            rows[:, :4] *= np.tile(view.scale, 2)
            no_peaks = np.zeros((len(self.layout), 1, 3), np.float32)
            nobody = np.zeros((1, 1), np.float32)
            look = Look(index, view, range(len(rows)), rows, rows[:, 4], no_peaks, nobody, whole=False)
            if len(rows) and sum(len(window.people) for window in self._windows_of(look, refine)) == len(rows):
                known[index] = look
        return known

    def _windows_of(self, look: Look[Letterbox], refine: int) -> list[Window]:
        """The windows for the people of ``look``; of those who were not looked at before nobody is left alone."""
        everybody = dataclasses.replace(self.windows, right=(0.0, 0.0), faint=0.0)
        settings = self.windows if look.whole else everybody
        scale = float(look.view.scale.mean())
        return plan_windows(look.view.image_size, look.boxes_in_image, scale, refine, settings)

    def second_looks(
        self, first: Sequence[Look[Letterbox]], refine: int, see: Callable[[Sequence[Plan]], RawDetections]
    ) -> Refinement:
        """The third step: windows around people whose size in the first look does not suit the network.

        Args:
            first: A look at each image.
            refine: The most windows of an image.
            see: Runs the network on windows of one size.

        Returns:
            The windows that were planned, and the looks in them.
        """
        started = time.perf_counter()
        plans = []
        for look in first if refine else ():
            boxes = look.boxes_in_image
            plans += [Plan(look.image, window, boxes[list(window.people)]) for window in self._windows_of(look, refine)]
        looks = look_at_windows(plans, see)
        if len(looks) < len(plans):
            _log.warning(
                'the answer of the network is not finite in %d of %d windows, whose people keep what the first look '
                'saw (%s)',
                len(plans) - len(looks),
                len(plans),
                self.backend.info,
            )
        return Refinement(plans, looks, time.perf_counter() - started)

    def see(self, images: Sequence[np.ndarray], orders: Sequence[ChannelOrder], plans: Sequence[Plan]) -> RawDetections:
        """What the network sees in windows of one size.

        Args:
            images: Each ``(H, W, 3)`` uint8.
            orders: 'rgb' or 'bgr' of each.
            plans: The windows, each of one of the images.

        Returns:
            A row for each window.
        """
        pixels = self._inputs(
            [plan.window.cut(images[plan.image]) for plan in plans],
            [plan.window.letterbox for plan in plans],
            [orders[plan.image] for plan in plans],
        )
        seen = []
        for start in range(0, len(plans), self._window_batch):
            some = pixels[start : start + self._window_batch]
            if not isinstance(some, np.ndarray) and len(some) < self._window_batch:  # one graph for any number
                whole = some.new_zeros(self._window_batch, *some.shape[1:])
                whole[: len(some)] = some
                some = whole
            seen.append(self.backend(some))
        return RawDetections(*(np.concatenate(parts)[: len(plans)] for parts in zip(*seen)))

    def group(self, first: Sequence[Look[Letterbox]], second: Refinement) -> list[np.ndarray]:
        """The fourth step: peaks to people (section 3.4).

        Args:
            first: A look at each image.
            second: Those in windows.

        Returns:
            Keypoints ``(P, K, 3)`` of each look, in the pixels of its input; those of the first looks come first.
        """
        looks: list[Look[Any]] = [*first, *second.looks]
        return self.grouper([look.peaks for look in looks], [look.boxes for look in looks])

    def postprocess(
        self,
        first: Sequence[Look[Letterbox]],
        second: Refinement,
        keypoints: Sequence[np.ndarray],
        thresholds: Thresholds,
    ) -> list[PoseResult]:
        """The last step: back to the images. Who has a window is as seen there, everybody else as in the first look.

        Args:
            first: A look at each image.
            second: Those in windows.
            keypoints: As ``group`` returns them.
            thresholds: From which score a person, a keypoint and a pixel of the mask are kept.

        Returns:
            A result for each image.
        """
        windows = list(zip(second.looks, keypoints[len(first) :], strict=True))
        results = []
        for look, grouped in zip(first, keypoints):
            mine = [(window, poses) for window, poses in windows if window.image == look.image]
            broken = sum(plan.image == look.image for plan in second.plans) - len(mine)
            boxes, poses = merge(look, grouped, mine) if look.whole else gather(look, mine)
            poses[..., :2] += self._shift
            width, height = look.view.image_size
            corners = boxes[:, :4].clip(0, (width, height, width, height))
            poses[~(poses[..., 2] >= thresholds.keypoint_threshold)] = (np.nan, np.nan, 0)
            people = tuple(
                Person(box, float(score), pose)
                for box, score, pose in zip(corners, boxes[:, 4], poses)
                if (box[2:] > box[:2]).all() and score >= thresholds.score_threshold
            )  # a box in the padding has nothing of the image
            mask = None
            if self.segments:  # cv2.compare fails on a single pixel
                person = person_probability(look, [window for window, _ in mine])
                mask = np.multiply(person >= thresholds.mask_threshold, 255, dtype=np.uint8)
            results.append(
                PoseResult(
                    people, mask, (width, height), look.whole, len(mine), broken, second.seconds, layout=self.layout
                )
            )
        return results

    def _inputs(
        self, images: Sequence[np.ndarray], letterboxes: Sequence[Letterbox], orders: Sequence[ChannelOrder]
    ) -> Pixels:
        if self._on_gpu is not None:
            return self._on_gpu(images, letterboxes, orders, self.pad_value)
        return np.stack(
            [box.apply(image, order, self.pad_value) for box, image, order in zip(letterboxes, images, orders)]
        )
