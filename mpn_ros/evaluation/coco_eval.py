"""The whole pipeline on a whole dataset: run every image, then measure poses, boxes, mask and time (section 4)."""

from __future__ import annotations

import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from mpn_ros import __version__
from mpn_ros.coco import DatasetImage, PersonDataset, read_dataset
from mpn_ros.coco_masks import person_mask
from mpn_ros.errors import DatasetError
from mpn_ros.evaluation.average_precision import average_precision
from mpn_ros.evaluation.mask_iou import MaskIoU
from mpn_ros.evaluation.results import box_results, keypoint_results
from mpn_ros.pipeline.letterbox import ChannelOrder
from mpn_ros.scene import Scene


class ImageToPeople(Protocol):
    """Whatever can be measured: ``PosePipeline``, or another system behind the same call."""

    def __call__(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> Scene: ...


def evaluate(
    pipeline: ImageToPeople,
    images_dir: str | Path,
    annotations_file: str | Path,
    limit: int | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Measures ``pipeline`` on the first ``limit`` images (None: all) of a dataset in COCO layout.

    Returns plain data for JSON: ``keypoints`` (ten figures of AP and AR, 0..1) and ``bbox`` (twelve), by name;
    ``mask_iou`` pooled over all pixels and ``mask_iou_mean`` over images, both None if a person's label has no
    segmentation; ``images``, their number; ``ms_per_image``, the median of the pipeline's call without reading the
    file, since a backend may prepare itself for seconds when an image has a new shape; ``versions``. Raises
    DatasetError.
    """
    dataset = read_dataset(images_dir, annotations_file).first(limit)
    poses: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    mask_iou = MaskIoU() if _has_masks(dataset) else None
    seconds = []
    for image in tqdm(dataset.images, desc='evaluating', unit='image', disable=not progress):
        pixels = image.read()
        start = time.perf_counter()
        scene = pipeline(pixels, channel_order='bgr')
        seconds.append(time.perf_counter() - start)
        poses += keypoint_results(scene, image.id)
        boxes += box_results(scene, image.id)
        if mask_iou is not None:
            mask_iou.add(scene.mask, _truth(dataset, image, annotations_file))
    image_ids = [image.id for image in dataset.images]
    truth = [annotation for image in dataset.images for annotation in dataset.annotations_of(image)]
    return {
        'keypoints': average_precision(image_ids, truth, poses, 'keypoints'),
        'bbox': average_precision(image_ids, truth, boxes, 'bbox'),
        'mask_iou': mask_iou.pooled if mask_iou is not None else None,
        'mask_iou_mean': mask_iou.mean if mask_iou is not None else None,
        'images': len(dataset.images),
        'ms_per_image': 1000 * float(np.median(seconds)),
        'versions': versions(),
    }


def versions() -> dict[str, str]:
    """What the figures depend on, besides the weights."""
    return {
        'mpn_ros': __version__,
        'python': platform.python_version(),
        **{name: metadata.version(name) for name in ('torch', 'numpy', 'pycocotools')},
    }


def _has_masks(dataset: PersonDataset) -> bool:
    """A person without polygons would count as background, so one is enough to make the mask's figure meaningless."""
    return all(
        annotation.get('segmentation') for image in dataset.images for annotation in dataset.annotations_of(image)
    )


def _truth(dataset: PersonDataset, image: DatasetImage, annotations_file: str | Path) -> np.ndarray:
    try:
        return person_mask(dataset.annotations_of(image), image.height, image.width)
    except DatasetError as error:
        raise DatasetError(f'{annotations_file}: {error}') from error
