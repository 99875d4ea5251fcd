"""The time of each step from an image to people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch

from mpn_ros.backends.base import Backend, BackendInfo, Pixels
from mpn_ros.conventions import ChannelOrder
from mpn_ros.errors import ImageError
from mpn_ros.pipeline.letterbox import Letterbox
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.raw_detections import RawDetections
from mpn_ros.result import PoseResult

STAGES = (
    'decode',
    'preprocess',
    'network',
    'boxes',
    'second look',
    'grouping',
    'people and mask',
    'messages',
    'total',
    'grouping one by one',
    'total one by one',
)
"""What is timed, in seconds for a batch. ``decode``: JPEG to pixels, which ``total`` leaves out; ``preprocess``:
letterbox; ``network``: the graph with peaks and boxes at its end; ``boxes``: finiteness and suppression; ``second
look``: windows around people, from choosing them to what the network sees there; ``grouping``: the PRN for all people
of all images; ``people and mask``: back to the images' pixels; ``messages``: a result as ROS 2 messages, where that is
installed; ``total``: image to people, measured apart from the steps; ``one by one``: with the PRN called for each
person, as in the paper."""


class SubstituteOutputs:
    """Runs ``backend`` and answers with what ``lender`` sees in the same pixels: for a network without trained weights,
    whose own answer holds nobody whom the steps after it could work on."""

    def __init__(self, backend: Backend, lender: Callable[[Pixels], RawDetections]) -> None:
        self._backend, self._lender = backend, lender
        self._lent: dict[bytes, RawDetections] = {}

    @property
    def info(self) -> BackendInfo:
        """That of the one which runs."""
        return self._backend.info

    def __call__(self, images: Pixels) -> RawDetections:
        """As a backend; the lender is asked once for each batch."""
        few = images[:, ::16, ::16]
        key = (few.cpu().numpy() if isinstance(few, torch.Tensor) else few).tobytes()
        if key not in self._lent:
            self._lent[key] = self._lender(images)
        self._backend(images)
        return self._lent[key]


@dataclass
class Case:
    """One line of the benchmark: a pipeline on batches of ``cameras`` images with ``people`` in each, of whom ``found``
    are found on average. ``seconds`` holds the repetitions of each stage."""

    pipeline: PosePipeline
    name: str
    people: int
    found: float
    cameras: int
    images: Sequence[np.ndarray]
    seconds: dict[str, list[float]] = field(default_factory=dict)
    turn: int = 0

    def repeat(self, make_messages: Callable[[PoseResult], Any] | None) -> None:
        """Measures all stages on the next batch."""
        start = self.turn * self.cameras
        batch = [self.images[(start + index) % len(self.images)] for index in range(self.cameras)]
        self.turn += 1
        for stage, seconds in _measure(self.pipeline, batch, make_messages).items():
            self.seconds.setdefault(stage, []).append(seconds)

    @property
    def input_shape(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        _, pixels = self.pipeline.letterbox([self.images[0]], ['bgr'])
        return pixels.shape[1], pixels.shape[2]


def run(cases: Iterable[Case], repeats: int, make_messages: Callable[[PoseResult], Any] | None = None) -> None:
    """Measures every case ``repeats`` times, one after the other in each round, so that what else the machine does hits
    all of them alike. A round before that is thrown away."""
    cases = list(cases)
    for round in range(repeats + 1):
        for case in cases:
            case.repeat(make_messages)
            if round == 0:
                case.seconds.clear()


def _measure(
    pipeline: PosePipeline, images: Sequence[np.ndarray], make_messages: Callable[[PoseResult], Any] | None
) -> dict[str, float]:
    orders: list[ChannelOrder] = ['bgr'] * len(images)
    thresholds = pipeline.thresholds
    files = [_jpeg(image) for image in images]
    seconds: dict[str, float] = {}

    def timed(stage: str, call: Callable[..., Any], *arguments: Any) -> Any:
        begin = time.perf_counter()
        answer = call(*arguments)
        seconds[stage] = time.perf_counter() - begin
        return answer

    timed('decode', lambda: [cv2.imdecode(file, cv2.IMREAD_COLOR) for file in files])
    timed('total', pipeline.batch, images, orders)
    letterboxes, pixels = timed('preprocess', _letterbox, pipeline, images, orders)
    seen = timed('network', pipeline.backend, pixels)
    first = timed('boxes', pipeline.first_looks, letterboxes, seen, thresholds)
    second = timed(
        'second look', pipeline.second_looks, first, pipeline.refine, lambda plans: pipeline.see(images, orders, plans)
    )
    keypoints = timed('grouping', pipeline.group, first, second)
    timed(
        'grouping one by one',
        lambda: [pipeline.grouper([look.peaks], [box[None]]) for look in (*first, *second.looks) for box in look.boxes],
    )
    results = timed('people and mask', pipeline.postprocess, first, second, keypoints, thresholds)
    seconds['total one by one'] = seconds['total'] - seconds['grouping'] + seconds['grouping one by one']
    if make_messages is not None:
        timed('messages', lambda: [make_messages(result) for result in results])
    return seconds


def _letterbox(
    pipeline: PosePipeline, images: Sequence[np.ndarray], orders: Sequence[ChannelOrder]
) -> tuple[list[Letterbox], Pixels]:
    """The pipeline's, until a GPU has done it as well."""
    letterboxes, pixels = pipeline.letterbox(images, orders)
    if isinstance(pixels, torch.Tensor) and pixels.is_cuda:
        torch.cuda.synchronize(pixels.device)
    return letterboxes, pixels


def _jpeg(image: np.ndarray) -> np.ndarray:
    done, file = cv2.imencode('.jpg', image)
    if not done:
        raise ImageError(f'an image of {image.shape[1]}x{image.shape[0]} cannot be written as JPEG')
    return np.asarray(file)
