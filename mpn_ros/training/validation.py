"""Validation during training: the averaged weights through the real pipeline, on images that are not trained on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from mpn_ros.backends.base import Backend, Pixels
from mpn_ros.coco import DatasetImage, PersonDataset, read_dataset
from mpn_ros.errors import DatasetError
from mpn_ros.evaluation.coco_eval import THRESHOLDS, collect
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.perception import Perceived
from mpn_ros.pipeline.letterbox import fit
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.skeleton import SkeletonLayout
from mpn_ros.training.config import Stage
from mpn_ros.weights import Weights


class LabelledBoxes:
    """A backend with the labels' boxes in place of the detector's, for a network whose detector has not learnt yet. It
    must be asked for the images of ``dataset`` in their order, one at a time, in inputs of ``input_size``."""

    def __init__(self, backend: Backend, dataset: PersonDataset, input_size: int) -> None:
        self.backend, self.description, self.largest_batch = backend, backend.description, 1
        self.one_thread, self.gpu = True, backend.gpu
        self._boxes = (self._in_input(dataset, image, input_size) for image in dataset.images)

    @staticmethod
    def _in_input(dataset: PersonDataset, image: DatasetImage, input_size: int) -> np.ndarray:
        people = [person for person in dataset.annotations_of(image) if not person['iscrowd']]
        x, y, width, height = np.array([person['bbox'] for person in people]).reshape(-1, 4).T
        scale = np.tile(fit((image.height, image.width), input_size).scale, 2)
        corners = np.stack([x, y, x + width, y + height], -1) * scale
        return np.column_stack([corners, np.ones(len(people))]).astype(np.float32)

    def __call__(self, images: Pixels) -> Perceived:
        """What the network sees, and the labels' boxes with a score of 1."""
        return self.backend(images)._replace(boxes=next(self._boxes)[None])


class Validation:
    """Measures networks of one stage on a dataset in COCO layout, or on its first ``limit`` images.

    The first of its figures is what the stage is about: AP of keypoints, or of boxes for the stage 'detector'. The
    stage 'keypoints' is measured with the labels' boxes. All are measured with the Max grouper, since no stage here
    trains a PRN. Raises DatasetError.
    """

    def __init__(
        self,
        images: Path,
        annotations: Path,
        layout: SkeletonLayout,
        stage: Stage,
        device: str,
        limit: int | None = None,
    ) -> None:
        self.images, self.annotations, self.layout = images, annotations, layout
        self.stage, self.device, self.limit = stage, device, limit
        self._dataset = read_dataset(images, annotations, layout).first(limit)  # now, and not after the first epoch

    def __call__(self, network: MultiPoseNet) -> dict[str, float]:
        """Figures 0..1 by name. Raises DatasetError."""
        weights = Weights(network.preset, {'network': network.state_dict()}, {}, 'the network in training')
        pipeline = PosePipeline(weights, backend='eager', device=self.device, grouper='max', refine=0,
                                thresholds=THRESHOLDS)
        if self.stage == 'keypoints':
            pipeline.backend = LabelledBoxes(pipeline.backend, self._dataset, pipeline.input_size)
            pipeline.thresholds = dataclasses.replace(THRESHOLDS, overlap=1.0)
        measured = collect(pipeline, self.images, self.annotations, self.limit, layout=self.layout).figures()
        figures = {
            'keypoint AP': measured['keypoints']['AP'],
            'box AP': measured['bbox']['AP'],
            'mask IoU': measured['mask_iou'],
        }
        if self.stage == 'detector':
            figures = {'box AP': figures.pop('box AP'), **figures}
        known = {name: value for name, value in figures.items() if value is not None}
        if next(iter(figures)) not in known:
            raise DatasetError(f'{self.annotations} has nobody to measure the {next(iter(figures))} on')
        return known
