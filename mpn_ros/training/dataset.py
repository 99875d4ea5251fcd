"""Labelled images as the tensors that a training step takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mpn_ros.conventions import INPUT_MULTIPLE
from mpn_ros.errors import ParameterError
from mpn_ros.presets import Preset
from mpn_ros.training.augment import Augmentation, Sample, close_up, color_jitter, patch_matrix, warp, warp_image
from mpn_ros.training.coco import LabelledImage
from mpn_ros.training.targets import heatmap_target


class PatchDataset(torch.utils.data.Dataset):
    """Item (epoch, n): a random patch of image n as a dict of tensors.

    image ``(S, S, 3)`` uint8 RGB; heatmaps ``(K + 1, S/4, S/4)``; weight, mask_weight and box_weight ``(S/4, S/4)``;
    peaks, the number of labelled keypoints; boxes ``(P, 4)`` pixels of the patch; row, the number of the patch among
    all that there are; teacher_inputs, for each of ``teacher_sizes`` the same patch at that size ``(T, T, 3)``, in its
    own colours. The randomness of an item depends on the seed, the epoch and n alone, so that a resumed run sees what
    an unbroken one would. With ``views`` the patches of an image come again after so many epochs; 0 makes each epoch's
    its own. An image that cannot be read raises DatasetError.
    """

    def __init__(
        self,
        images: Sequence[LabelledImage],
        size: int,
        augmentation: Augmentation,
        preset: Preset,
        seed: int = 0,
        views: int = 0,
        teacher_sizes: Sequence[int] = (),
    ):
        for side in (size, *teacher_sizes):
            if side < INPUT_MULTIPLE or side % INPUT_MULTIPLE:
                raise ParameterError(f'the patch size must be a multiple of 32, not {side}')
        if views < 0:
            raise ParameterError(f'views must be at least 0, not {views}')
        self.images, self.size, self.augmentation, self.seed, self.views = images, size, augmentation, seed, views
        self.teacher_sizes = tuple(teacher_sizes)
        self.layout, self.fill = preset.layout, preset.preprocessing.mean

    def __len__(self) -> int:
        return len(self.images)

    def sampling_settings(self) -> dict[str, Any]:
        """What decides the patches beside the settings that all datasets have, as plain data."""
        return {}

    def _view(self, epoch: int) -> int:
        return epoch % self.views if self.views else epoch

    def sample(self, item: tuple[int, int]) -> Sample:
        """The patch before it is turned into targets."""
        return self._samples(item)[0]

    def _samples(self, item: tuple[int, int]) -> tuple[Sample, list[np.ndarray]]:
        view, index = self._view(item[0]), item[1]
        labelled = self.images[index]
        random = np.random.default_rng((self.seed, view, index))
        whole = self._whole(labelled, (view, index))
        matrix = patch_matrix(whole.image.shape[:2], whole.boxes, self.size, self.augmentation, random)
        teacher_inputs = [
            warp_image(whole.image, matrix * (side / self.size), side, self.fill) for side in self.teacher_sizes
        ]
        return self._warped(whole, matrix, self.size, random), teacher_inputs

    def _whole(self, labelled: LabelledImage, item: tuple[int, int]) -> Sample:
        """The image as it is, of any height and width, or a close-up of it."""
        whole = Sample(
            labelled.read(),
            labelled.read_mask(),
            labelled.boxes,
            labelled.keypoints,
            labelled.read_crowds() if labelled.crowds else None,
            labelled.image.complete,
        )
        random = np.random.default_rng((self.seed, *item, 2))  # its own: without close-ups patches stay what they are
        return close_up(whole, random) if random.random() < self.augmentation.close else whole

    def _warped(self, whole: Sample, matrix: np.ndarray, size: int, random: np.random.Generator) -> Sample:
        """The patch of ``size`` that ``matrix`` makes of an image, in random colours."""
        sample = warp(
            whole.image,
            whole.mask,
            whole.boxes,
            whole.keypoints,
            matrix,
            size,
            fill=self.fill,
            layout=self.layout,
            crowd=whole.crowd,
            complete=whole.complete,
        )
        if not self.augmentation.colour:
            return sample
        return dataclasses.replace(sample, image=color_jitter(sample.image, self.augmentation.colour, random))

    def __getitem__(self, item: tuple[int, int]) -> dict[str, Any]:
        sample, teacher_inputs = self._samples(item)
        return {
            **as_tensors(sample),
            'row': torch.tensor(self._view(item[0]) * len(self) + item[1]),
            'teacher_inputs': [torch.from_numpy(image) for image in teacher_inputs],
        }

    def __getitems__(self, items: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        """The patches of a step."""
        return [self[item] for item in items]


def as_tensors(sample: Sample) -> dict[str, Any]:
    """A patch and what is asked for in it."""
    target = heatmap_target(sample)
    return {
        'image': torch.from_numpy(sample.image),
        'heatmaps': torch.from_numpy(target.heatmaps),
        'weight': torch.from_numpy(target.weight),
        'mask_weight': torch.from_numpy(target.mask_weight),
        'box_weight': torch.from_numpy(target.box_weight),
        'peaks': torch.tensor(target.peaks),
        'boxes': torch.from_numpy(sample.boxes),
    }


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stacks everything but the boxes, of which every image has its own number."""
    stacked = [key for key in items[0] if key not in ('boxes', 'teacher_inputs')]
    batch: dict[str, Any] = {key: torch.stack([item[key] for item in items]) for key in stacked}
    batch['boxes'] = [item['boxes'] for item in items]
    batch['teacher_inputs'] = [torch.stack(patches) for patches in zip(*(item['teacher_inputs'] for item in items))]
    return batch


def collate_sizes(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A batch of each size of patches, the largest first."""
    by_size: dict[int, list[dict[str, Any]]] = {}
    for item in items:
        by_size.setdefault(len(item['image']), []).append(item)
    return [collate(by_size[size]) for size in sorted(by_size, reverse=True)]
