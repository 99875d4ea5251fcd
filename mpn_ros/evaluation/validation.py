"""Validation during training: the averaged weights through the real pipeline, on images that are not trained on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from mpn_ros.backends.base import Backend, Pixels
from mpn_ros.coco import DatasetImage, PersonDataset, read_dataset
from mpn_ros.conventions import ChannelOrder
from mpn_ros.errors import DatasetError
from mpn_ros.evaluation.coco_eval import THRESHOLDS, Answers, ImageToPeople, collect
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.pipeline.grouping import Grouper, PRNGrouper
from mpn_ros.pipeline.letterbox import Letterbox, compute_letterbox
from mpn_ros.pipeline.looks import Look, Refinement
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.raw_detections import RawDetections
from mpn_ros.result import PoseResult
from mpn_ros.skeleton import SkeletonLayout
from mpn_ros.training.config import Stage
from mpn_ros.training.norms import folded
from mpn_ros.weights import Weights

PEAK_BOUNDS = (0.1, 0.03, 0.01)
"""The scores from which peaks are shown to the PRN."""


class LabelledBoxes:
    """A backend with the labels' boxes in place of the detector's, for a network whose detector has not learnt yet. It
    must be asked for the images of ``dataset`` in their order, one at a time, in inputs of ``input_size``."""

    def __init__(self, backend: Backend, dataset: PersonDataset, input_size: int) -> None:
        self.backend = backend
        self.info = dataclasses.replace(backend.info, max_batch_size=1, thread_affine=True)
        self._boxes = (self._in_input(dataset, image, input_size) for image in dataset.images)

    @staticmethod
    def _in_input(dataset: PersonDataset, image: DatasetImage, input_size: int) -> np.ndarray:
        people = [person for person in dataset.annotations_of(image) if not person['iscrowd']]
        x, y, width, height = np.array([person['bbox'] for person in people]).reshape(-1, 4).T
        scale = np.tile(compute_letterbox((image.height, image.width), input_size).scale, 2)
        corners = np.stack([x, y, x + width, y + height], -1) * scale
        return np.column_stack([corners, np.ones(len(people))]).astype(np.float32)

    def __call__(self, images: Pixels) -> RawDetections:
        """What the network sees, and the labels' boxes with a score of 1."""
        return self.backend(images)._replace(boxes=next(self._boxes)[None])


class SharedLooks:
    """A pipeline that looks at each image once, however many groupers then answer. It must be asked for the images of a
    dataset in their order, from the first on again after ``rewind``.

    first: the backend of the first look. refine: the most windows of an image.
    """

    def __init__(self, pipeline: PosePipeline, first: Backend, refine: int) -> None:
        self.pipeline, self.first, self.refine = pipeline, first, refine
        self._looks: list[tuple[list[Look[Letterbox]], Refinement]] = []
        self._next, self._windows = 0, True

    def rewind(self, grouper: Grouper, windows: bool) -> SharedLooks:
        """Begins anew with another grouper, with or without what is seen in ``windows``."""
        self.pipeline.grouper, self._windows, self._next = grouper, windows, 0
        return self

    def __call__(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> PoseResult:
        """The people and the mask of one image ``(H, W, 3)`` uint8."""
        pipeline = self.pipeline
        if self._next == len(self._looks):
            views, pixels = pipeline.letterbox([image], [channel_order])
            first = pipeline.first_looks(views, self.first(pixels), pipeline.thresholds)
            second = pipeline.second_looks(
                first, self.refine, lambda plans: pipeline.see([image], [channel_order], plans)
            )
            self._looks.append((first, second))
        first, second = self._looks[self._next]
        self._next += 1
        if not self._windows:
            second = Refinement((), (), 0.0)
        [result] = pipeline.postprocess(first, second, pipeline.group(first, second), pipeline.thresholds)
        return result


class Validation:
    """Measures networks of one stage on a dataset in COCO layout, or on its first ``limit`` images.

    The first of its figures is what the stage is about: AP of keypoints, or of boxes for the stage 'detector'. The
    stage 'keypoints' is measured with the labels' boxes. Without a ``prn`` the Max grouper puts people together. With
    one it does, at several lower bounds for peaks, since new heatmaps may know more than one bound shows: AP and AR at
    each, and as the first figure the best AP. With ``refine`` all of that is measured in as many windows at most of an
    image too, and the first figure is that of the windows. Raises DatasetError.
    """

    def __init__(
        self,
        images: Path,
        annotations: Path,
        layout: SkeletonLayout,
        stage: Stage,
        device: str,
        limit: int | None = None,
        upright: bool | None = None,
        prn: PoseResidualNetwork | None = None,
        refine: int = 0,
    ) -> None:
        self.images, self.annotations, self.layout = images, annotations, layout
        self.stage, self.device, self.limit, self.upright = stage, device, limit, upright
        self.prn, self.refine = prn, refine
        # Now, and not after the first epoch.
        self._dataset = read_dataset(images, annotations, layout, upright).first(limit)

    def __call__(self, network: MultiPoseNet) -> dict[str, float]:
        """Figures 0..1 by name. Raises DatasetError."""
        weights = Weights(network.preset, {'network': folded(network).state_dict()}, {}, 'the network in training')
        pipeline = PosePipeline(
            weights, backend='eager', device=self.device, grouper='max', refine=self.refine, thresholds=THRESHOLDS
        )
        first = pipeline.backend
        if self.stage == 'keypoints':
            first = LabelledBoxes(pipeline.backend, self._dataset, weights.preset.input_size)
            pipeline.thresholds = dataclasses.replace(THRESHOLDS, nms_iou=1.0)
        looks = SharedLooks(pipeline, first, self.refine)
        poses: dict[str, float | None] = {}
        for windows in (True, False) if self.refine else (False,):
            poses |= self._poses(looks, windows)
        measured = self._collect(looks.rewind(pipeline.grouper, bool(self.refine)))
        figures = {**poses, 'box AP': measured.figures()['bbox']['AP'], 'mask IoU': measured.figures()['mask_iou']}
        if self.stage == 'detector':
            figures = {'box AP': figures.pop('box AP'), **figures}
        known = {name: value for name, value in figures.items() if value is not None}
        if next(iter(figures)) not in known:
            raise DatasetError(f'{self.annotations} has nobody to measure the {next(iter(figures))} on')
        return known

    def _poses(self, looks: SharedLooks, windows: bool) -> dict[str, float | None]:
        """Figures of the keypoints, the best AP first."""
        where = ' in windows' * windows
        if self.prn is None:
            found = self._collect(looks.rewind(looks.pipeline.grouper, windows)).figures()['keypoints']
            return {f'keypoint AP{where}': found['AP']}
        poses: dict[str, float | None] = {}
        for bound in PEAK_BOUNDS:
            found = self._collect(looks.rewind(PRNGrouper(self.prn, bound), windows)).figures()['keypoints']
            poses |= {f'keypoint {name}{where} from {bound}': found[name] for name in ('AP', 'AR')}
        best = max((value for name, value in poses.items() if ' AP' in name and value is not None), default=None)
        return {f'keypoint AP{where}': best, **poses}

    def _collect(self, pipeline: ImageToPeople) -> Answers:
        return collect(pipeline, self.images, self.annotations, self.limit, layout=self.layout, upright=self.upright)
