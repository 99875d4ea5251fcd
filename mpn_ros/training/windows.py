"""Windows around persons as training samples: what the second look of the pipeline sees (``mpn_ros.pipeline.windows``),
varied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from mpn_ros.conventions import INPUT_MULTIPLE
from mpn_ros.errors import ParameterError
from mpn_ros.pipeline.windows import WindowSettings, person_size
from mpn_ros.training.augment import Augmentation, placed
from mpn_ros.training.coco import LabelledImage
from mpn_ros.training.dataset import PatchDataset, as_tensors
from mpn_ros.training.options import option

WINDOWS = 'windows around persons, for the second look'


@dataclass(frozen=True)
class WindowSampling:
    """How windows are drawn.

    count: windows of an image. whole: the share of images that are shown as a patch of the whole image instead. size:
    side of a window in pixels. scale: between which factors a person's size varies around what ``settings`` want.
    largest: the most pixels of the window for each of the image's, since beyond it a window shows more than was seen.
    shift: how far from the middle a person may be, in parts of the window. Raises ParameterError.
    """

    count: int = 4
    whole: float = option(0.25, WINDOWS, 'share of the images that are shown as patches all the same', metavar='SHARE')
    size: int = option(192, WINDOWS, 'side in pixels', name='window-size')
    scale: tuple[float, float] = option(
        (0.7, 1.4),
        WINDOWS,
        "a person's size, relative to the one that the pipeline gives it in a window",
        name='window-scale',
        count=2,
        metavar=('LOW', 'HIGH'),
    )
    largest: float = option(
        2.0, WINDOWS, "the most pixels of a window for each of the image's", name='window-zoom', metavar='FACTOR'
    )
    shift: float = 0.1
    settings: WindowSettings = field(default_factory=WindowSettings)

    def __post_init__(self) -> None:
        low, high = self.scale
        if not 0 < low <= high:
            raise ParameterError(f'--window-scale must be two numbers above 0, the smaller one first, not {low} {high}')
        if self.count < 1 or not 0 <= self.whole <= 1 or self.largest <= 0:
            raise ParameterError('--windows must be at least 1, --whole 0 to 1, --window-zoom above 0')
        if self.size < INPUT_MULTIPLE or self.size % INPUT_MULTIPLE:
            raise ParameterError(f'--window-size must be a multiple of 32, not {self.size}')


def window_matrix(
    image_size: tuple[int, int],
    box: np.ndarray,
    sampling: WindowSampling,
    augmentation: Augmentation,
    random: np.random.Generator,
) -> np.ndarray:
    """A random 2x3 map from an image of ``image_size`` (width, height) to a window that shows the person in ``box``
    ``(4,)`` about as the pipeline does; of ``augmentation`` the turn and the mirror count."""
    side, settings = sampling.size, sampling.settings
    longest = max(1e-6, float((box[2:] - box[:2]).max()))
    zoom = min(settings.wanted / float(person_size(box[None])[0]), settings.filled * side / longest)
    zoom = min(sampling.largest, zoom * math.exp(random.uniform(*np.log(sampling.scale))))
    reach = side / zoom
    centre = (box[:2] + box[2:]) / 2 + random.uniform(-sampling.shift, sampling.shift, 2) * reach
    # As in the pipeline: inside the image where that is large enough, else in its middle.
    edge = np.minimum(reach, image_size) / 2
    return placed(centre.clip(edge, image_size - edge), zoom, side, augmentation, random)


class WindowDataset(PatchDataset):
    """``PatchDataset`` whose steps consist of windows around persons, and of the patches of some images beside them.

    The windows of an image show those of its people who have labelled keypoints; all of them take turns before one
    comes again. An image without any shows its patch.
    """

    def __init__(self, images: Sequence[LabelledImage], sampling: WindowSampling, *patches: Any) -> None:
        super().__init__(images, *patches)
        if self.views or self.teacher_sizes:
            raise ParameterError('--windows differ in each epoch, so they go without --views and --teacher-sizes')
        self.sampling = sampling

    def sampling_settings(self) -> dict[str, Any]:
        return {'windows': asdict(self.sampling)}

    def __getitems__(self, items: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        """The patches of the first images of a step, the windows of the others."""
        whole = round(self.sampling.whole * len(items))
        patches = [self[item] for item in items[:whole]]
        return patches + [patch for item in items[whole:] for patch in self.windows(item) or [self[item]]]

    def windows(self, item: tuple[int, int]) -> list[dict[str, Any]]:
        """Windows of image n in that epoch, (epoch, n), as dicts of tensors; none where nobody has keypoints."""
        whole = self._whole(self.images[item[1]], item)
        people = np.flatnonzero((whole.keypoints[..., 2] > 0).any(1))
        if not len(people):
            return []
        random = np.random.default_rng((self.seed, *item, 1))
        found = []
        for person in np.resize(random.permutation(people), self.sampling.count):
            matrix = window_matrix(
                whole.image.shape[1::-1],
                whole.boxes[person],
                self.sampling,
                self.augmentation,
                random,
            )
            sample = self._warped(whole, matrix, self.sampling.size, random)
            found.append({**as_tensors(sample), 'row': torch.tensor(-1), 'teacher_inputs': []})
        return found
