"""The whole pipeline on a whole dataset: run every image, then measure poses, boxes, mask and time (section 4)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pycocotools.cocoeval import COCOeval
from tqdm import tqdm

from mpn_ros.coco import PersonDataset, read_dataset
from mpn_ros.coco_masks import person_mask
from mpn_ros.conventions import ChannelOrder
from mpn_ros.errors import DatasetError
from mpn_ros.evaluation.average_precision import Kind, figures, matched
from mpn_ros.evaluation.hardware_info import machine, versions
from mpn_ros.evaluation.instance_masks import InstanceMasks
from mpn_ros.evaluation.mask_iou import MaskIoU
from mpn_ros.evaluation.results import box_results, keypoint_results
from mpn_ros.pipeline.pipeline import Thresholds
from mpn_ros.result import PoseResult
from mpn_ros.skeleton import COCO, SkeletonLayout

THRESHOLDS = Thresholds(score_threshold=0.002, keypoint_threshold=0.0, max_people=100)
"""COCO ranks by score and allows 100 boxes an image: whatever a threshold removes is only lost to recall."""


class ImageToPeople(Protocol):
    """Whatever can be measured: ``PosePipeline``, or another system behind the same call."""

    def __call__(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> PoseResult: ...


@dataclass(frozen=True)
class Answers:
    """What a system answered to a dataset. ``results`` are COCO results of each kind, ``mask_iou`` and
    ``instance_masks`` are None if a person's label has no segmentation, or the system none, or nobody asked for them,
    ``seconds`` are those of each call."""

    dataset: PersonDataset
    results: dict[Kind, list[dict[str, Any]]]
    mask_iou: MaskIoU | None
    instance_masks: InstanceMasks | None
    seconds: Sequence[float]

    def matched(
        self,
        kind: Kind,
        thresholds: Sequence[float] | None = None,
        areas: Mapping[str, tuple[float, float]] | None = None,
    ) -> COCOeval:
        """pycocotools' evaluation of the poses or boxes (``average_precision.matched``)."""
        image_ids = [image.id for image in self.dataset.images]
        truth = [label for image in self.dataset.images for label in self.dataset.annotations_of(image)]
        return matched(image_ids, truth, self.results[kind], kind, thresholds, self.dataset.layout.sigmas, areas)

    @cached_property
    def keypoints(self) -> COCOeval:
        """The poses by OKS, at COCO's thresholds."""
        return self.matched('keypoints')

    @cached_property
    def bbox(self) -> COCOeval:
        """The boxes by IoU, at COCO's thresholds."""
        return self.matched('bbox')

    def figures(self) -> dict[str, Any]:
        """Plain data for JSON: ``keypoints`` (ten figures of AP and AR, 0..1) and ``bbox`` (twelve), by name;
        ``mask_iou`` pooled over all pixels and ``mask_iou_mean`` over images, and ``segm``, the figures of
        ``InstanceMasks``, all None without them; ``images``, their number; ``ms_per_image``, the median of the calls
        without reading the file, since a backend may prepare itself for seconds when an image has a new shape;
        ``versions`` and ``machine``."""
        return {
            'keypoints': figures(self.keypoints),
            'bbox': figures(self.bbox),
            'mask_iou': self.mask_iou.pooled if self.mask_iou is not None else None,
            'mask_iou_mean': self.mask_iou.mean if self.mask_iou is not None else None,
            'segm': self.instance_masks.figures() if self.instance_masks is not None else None,
            'images': len(self.dataset.images),
            'ms_per_image': 1000 * float(np.median(self.seconds)),
            'versions': versions(),
            'machine': machine(),
        }


def collect(
    pipeline: ImageToPeople,
    images_dir: str | Path,
    annotations_file: str | Path,
    limit: int | None = None,
    progress: bool = False,
    layout: SkeletonLayout = COCO,
    upright: bool | None = None,
    instances: bool = False,
    by_shape: bool = False,
) -> Answers:
    """Runs ``pipeline``, which answers with the keypoints of ``layout``, on the first ``limit`` images (None: all) of a
    dataset in COCO layout; ``upright`` as of ``read_dataset``. They come in their order, or ``by_shape``, so that a
    backend prepares itself once for each shape. ``instances``: whether to measure each person's own pixels too, which
    takes as long as a small network. Raises DatasetError."""
    dataset = read_dataset(images_dir, annotations_file, layout, upright).first(limit)
    results: dict[Kind, list[dict[str, Any]]] = {'keypoints': [], 'bbox': []}
    has_masks = _has_masks(dataset)
    mask_iou, instance_masks = MaskIoU() if has_masks else None, InstanceMasks() if has_masks and instances else None
    seconds = []
    # Shapes of the network's input follow the aspect ratio.
    ordered = sorted(dataset.images, key=lambda image: image.width / image.height) if by_shape else dataset.images
    for image in tqdm(ordered, desc='evaluating', unit='image', disable=not progress):
        pixels = image.read()
        start = time.perf_counter()
        result = pipeline(pixels, channel_order='bgr')
        seconds.append(time.perf_counter() - start)
        results['keypoints'] += keypoint_results(result, image.id)
        results['bbox'] += box_results(result, image.id)
        if result.mask is None:
            mask_iou, instance_masks = None, None
        elif mask_iou is not None:
            labels = dataset.annotations_of(image)
            try:
                mask_iou.add(result.mask, person_mask(labels, image.height, image.width))
                if instance_masks is not None:
                    instance_masks.add(result, image, labels)
            except DatasetError as error:
                raise DatasetError(f'{annotations_file}: {error}') from error
    return Answers(dataset, results, mask_iou, instance_masks, seconds)


def _has_masks(dataset: PersonDataset) -> bool:
    """A person without polygons would count as background, so one is enough to make the mask's figure meaningless."""
    return all(
        annotation.get('segmentation') for image in dataset.images for annotation in dataset.annotations_of(image)
    )
