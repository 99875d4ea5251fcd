"""Augmentation: one affine map that moves pixels, mask, keypoints and boxes alike, and a change of colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from mpn_ros.errors import ParameterError
from mpn_ros.skeleton import SkeletonLayout
from mpn_ros.training.options import option

Fill = tuple[float, float, float]
"""The colour around an image, RGB."""
PATCHES = 'patches'
_CLOSE = 0.35, 0.8
"""How much a close-up shows, in parts of the longer side of the person's box."""
_SMALLEST_CLOSE_UP = 64  # pixels of the image; less is a blur


@dataclass(frozen=True)
class Augmentation:
    """``rotation`` in degrees either way, ``scale`` relative to the image that just fits the patch, ``flip`` and
    ``colour`` as probability and strength, ``close`` as the share of close-ups. The defaults are the paper's (section
    3.5)."""

    rotation: float = option(40.0, PATCHES, 'degrees either way')
    scale: tuple[float, float] = option(
        (0.8, 1.2), PATCHES, 'relative to the image that just fits the patch', count=2, metavar=('LOW', 'HIGH')
    )
    flip: float = option(0.3, PATCHES, 'probability of a mirrored patch')
    colour: float = option(0.0, PATCHES, 'strength of brightness, contrast and saturation changes')
    close: float = option(
        0.0, PATCHES, 'share of the images of which only what is around one keypoint is shown', name='close-ups'
    )

    def __post_init__(self) -> None:
        low, high = self.scale
        if not 0 < low <= high:
            raise ParameterError(f'scale must be two numbers above 0, the smaller one first, not {low} {high}')
        if not (0 <= self.rotation <= 180 and 0 <= self.flip <= 1 and 0 <= self.colour <= 1 and 0 <= self.close <= 1):
            raise ParameterError('rotation must be 0 to 180 degrees, flip, colour and close-ups 0 to 1')


@dataclass(frozen=True)
class Sample:
    """A square patch of S pixels.

    image: ``(S, S, 3)`` RGB uint8. mask: ``(S, S)`` uint8, 255 on people; None where nobody knows. boxes: ``(P, 4)``
    float32, which may reach over the border. keypoints: ``(P, K, 3)`` with visibility 0 where they left the patch.
    crowd: ``(S, S)`` uint8, above 0 where a crowd is, None without one. complete: whether everybody is labelled.
    """

    image: np.ndarray
    mask: np.ndarray | None
    boxes: np.ndarray
    keypoints: np.ndarray
    crowd: np.ndarray | None = None
    complete: bool = False


def close_up(image: Sample, random: np.random.Generator) -> Sample:
    """What a camera sees of somebody who stands too near to be seen whole: of an image of any height and width the part
    around a random keypoint, with the people in it and what is left of their boxes. An image without a keypoint, or
    with too few pixels around it, stays as it is."""
    person, keypoint = np.nonzero(image.keypoints[..., 2] > 0)
    if not len(person):
        return image
    chosen = random.integers(len(person))
    box, centre = image.boxes[person[chosen]], image.keypoints[person[chosen], keypoint[chosen], :2]
    side = float((box[2:] - box[:2]).max()) * math.exp(random.uniform(*np.log(_CLOSE)))
    height, width = image.image.shape[:2]
    low = np.floor((centre + random.uniform(-0.75, -0.25, 2) * side).clip(0)).astype(int)
    high = np.minimum(np.ceil(low + side), (width, height)).astype(int)
    if (high - low).min() < _SMALLEST_CLOSE_UP:
        return image
    there = slice(low[1], high[1]), slice(low[0], high[0])
    boxes = (image.boxes.reshape(-1, 2, 2).clip(low, high) - low).reshape(-1, 4)
    inside = ((image.keypoints[..., :2] >= low) & (image.keypoints[..., :2] < high)).all(-1, keepdims=True)
    keypoints = np.where(inside, image.keypoints - [*low, 0], 0)
    seen = (boxes[:, 2:] > boxes[:, :2]).all(1)
    return Sample(
        image.image[there],
        None if image.mask is None else image.mask[there],
        boxes[seen].astype(np.float32),
        keypoints[seen].astype(np.float32),
        None if image.crowd is None else image.crowd[there],
        image.complete,
    )


def patch_matrix(
    shape: tuple[int, int], boxes: np.ndarray, size: int, config: Augmentation, random: np.random.Generator
) -> np.ndarray:
    """A random 2x3 map from an image of ``shape`` (H, W) to a patch of ``size``: centred on the image when it fits,
    else near a person."""
    height, width = shape
    scale = size / max(height, width) * math.exp(random.uniform(*np.log(config.scale)))
    centre = np.array([width / 2, height / 2])
    if scale * max(height, width) > 1.1 * size:  # "centered around the crowd or the main person in the scene"
        box = boxes[random.integers(len(boxes))]
        centre = (box[:2] + box[2:]) / 2
    centre = centre + random.uniform(-0.1, 0.1, 2) * size / scale
    return placed(centre, scale, size, config, random)


def placed(
    centre: np.ndarray, scale: float, size: int, config: Augmentation, random: np.random.Generator
) -> np.ndarray:
    """The 2x3 map that brings ``centre`` (x, y) of an image to the middle of a patch of ``size``, ``scale`` pixels of
    the patch for each of the image's, turned and mirrored at random."""
    angle = random.uniform(-config.rotation, config.rotation)
    matrix: np.ndarray = cv2.getRotationMatrix2D(centre.tolist(), angle, scale)
    matrix[:, 2] += size / 2 - centre
    if random.random() < config.flip:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size
    return matrix


def warp(
    image: np.ndarray,
    mask: np.ndarray | None,
    boxes: np.ndarray,
    keypoints: np.ndarray,
    matrix: np.ndarray,
    size: int,
    *,
    fill: Fill,
    layout: SkeletonLayout,
    crowd: np.ndarray | None = None,
    complete: bool = False,
) -> Sample:
    """Applies ``matrix`` (on pixel edges) to everything of an image; ``fill`` goes around it. A mirroring matrix also
    swaps left and right keypoints."""
    linear, shift = matrix[:, :2], matrix[:, 2]
    on_centres = _on_centres(matrix)
    flipped = np.linalg.det(linear) < 0
    mask_there, crowd_there = (
        pixels if pixels is None else cv2.warpAffine(pixels, on_centres, (size, size), flags=cv2.INTER_NEAREST)
        for pixels in (mask, crowd)
    )

    moved = keypoints.copy()
    moved[..., :2] = keypoints[..., :2] @ on_centres[:, :2].T + on_centres[:, 2]
    outside = ((moved[..., :2] < -0.5) | (moved[..., :2] > size - 0.5)).any(-1)
    moved[outside, 2] = 0
    if flipped:
        moved = moved[:, list(layout.flip)]
    # A person fills the ellipse in its box rather than the corners; the box of the turned ellipse stays tight.
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 @ linear.T + shift
    half = np.sqrt(((boxes[:, 2:] - boxes[:, :2]) / 2) ** 2 @ (linear**2).T)
    return Sample(
        warp_image(image, matrix, size, fill),
        mask_there,
        np.concatenate([centre - half, centre + half], 1).astype(np.float32),
        moved.astype(np.float32),
        crowd_there,
        complete,
    )


def warp_image(image: np.ndarray, matrix: np.ndarray, size: int, fill: Fill) -> np.ndarray:
    """The image alone, as ``warp`` does it. It is shrunk by area, as the pipeline shrinks."""
    scale = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale < 1:
        height, width = image.shape[:2]
        image = cv2.resize(
            image, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
        )
        back = width / image.shape[1], height / image.shape[0], 1
        matrix = matrix * back
    return cv2.warpAffine(image, _on_centres(matrix), (size, size), flags=cv2.INTER_LINEAR, borderValue=fill)


def _on_centres(matrix: np.ndarray) -> np.ndarray:
    """The map between pixel edges as one between the middles of pixels, from which cv2 counts."""
    linear, shift = matrix[:, :2], matrix[:, 2]
    return np.column_stack([linear, shift + linear @ (0.5, 0.5) - 0.5])


def color_jitter(image: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Random brightness, contrast and saturation, each within ``1 +- strength``."""
    brightness, contrast, saturation = 1 + random.uniform(-strength, strength, 3)
    pixels = image.astype(np.float32)
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    pixels = grey[..., None] + (pixels - grey[..., None]) * saturation
    pixels = (pixels - grey.mean()) * contrast + grey.mean() * brightness
    return pixels.clip(0, 255).astype(np.uint8)
