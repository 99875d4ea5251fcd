"""What a step makes small: the weighted losses of a stage (Eq. 4, section 3.5)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from mpn_ros.conventions import HEATMAP_STRIDE
from mpn_ros.network.anchors import make_anchors
from mpn_ros.network.layers import Normalise
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.training import distributed
from mpn_ros.training.config import TrainingConfig
from mpn_ros.training.feature_cache import FeatureCache
from mpn_ros.training.losses import detector_loss, intermediate_loss, keypoint_loss, mask_loss
from mpn_ros.training.targets import anchor_targets
from mpn_ros.training.teacher import Teacher


class Criterion(nn.Module):
    """The batches of ``collate_sizes`` to their loss terms by name: 'heatmap', 'mask', 'intermediate', 'class', 'box'.
    Each is a mean over the patches of all sizes; boxes are learnt from patches of ``size`` alone.

    ``terms`` says what is computed; the parts of the network that nothing of it reads are not run, nor the backbone
    where ``feature_cache`` has what it saw of a batch before. With a ``teacher`` heatmaps and mask are compared with
    its, on all cells: in place of the labels, or beside them (``teacher_share``). It is a module, so that
    DistributedDataParallel wraps the network and its losses as one.
    """

    anchors: torch.Tensor

    def __init__(
        self,
        network: MultiPoseNet,
        config: TrainingConfig,
        size: int,
        terms: frozenset[str],
        teacher: Teacher | None = None,
    ):
        super().__init__()
        self.network, self.config, self.size, self.terms, self.teacher = network, config, size, terms, teacher
        self.feature_cache: FeatureCache | None = None
        self.normalise = Normalise(network.preset.preprocessing)
        self.register_buffer('anchors', make_anchors(size, size, network.anchor_strides), persistent=False)

    def forward(self, batches: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        sums: dict[str, torch.Tensor] = {}
        pixels: dict[str, int] = {}
        for batch in batches:
            count = batch['weight'].numel()
            for name, term in self._terms_of(batch).items():
                sums[name] = sums.get(name, 0) + count * term
                pixels[name] = pixels.get(name, 0) + count
        return {name: value / pixels[name] for name, value in sums.items()}

    def _terms_of(self, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        device = self.anchors.device
        weight = batch['weight'].to(device, non_blocking=True)
        found: dict[str, torch.Tensor] = {}
        with_boxes = 'boxes' in self.terms and batch['image'].shape[1] == self.size
        with torch.autocast(device.type, torch.bfloat16, enabled=self.config.bf16):
            features, teacher_heatmaps = self._see(batch, device)
            if 'heatmap' in self.terms:
                keypoints = self.network.keypoints(features, supervise='intermediate' in self.terms)
            if with_boxes:
                boxes = self.network.boxes(features)
        if 'heatmap' in self.terms:
            found |= self._keypoint_terms(*keypoints, teacher_heatmaps, batch, weight)
        if with_boxes:
            found |= self._box_terms(*boxes, batch['boxes'], batch['box_weight'].to(device) == 0)
        return found

    def _see(self, batch: dict[str, Any], device: torch.device) -> tuple[Sequence[torch.Tensor], torch.Tensor | None]:
        """C2..C5, and what the teacher says; computed, or as they were kept."""
        maps = self.feature_cache.get(batch['row']) if self.feature_cache else None
        if maps is None:
            images = batch['image'].to(device, non_blocking=True)
            shown = [patches.to(device, non_blocking=True) for patches in batch['teacher_inputs']]
            maps = self.extract_features(images, shown)
            if self.feature_cache:
                self.feature_cache.put(batch['row'], maps)
        maps = [level.to(device, non_blocking=True) for level in maps]
        return (maps, None) if self.teacher is None else (maps[:-1], maps[-1].float())

    def extract_features(self, images: torch.Tensor, teacher_inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The backbone on ``(B, S, S, 3)`` uint8 RGB: C2..C5; the teacher's scores behind them, of
        ``teacher_inputs`` or else of the same images."""
        maps = list(self.network.backbone(self.normalise(images).contiguous(memory_format=torch.channels_last)))
        if self.teacher is not None:
            side = images.shape[1] // HEATMAP_STRIDE
            maps.append(self.teacher(teacher_inputs or [images], side).to(maps[0].dtype))
        return maps

    def _keypoint_terms(
        self,
        heatmaps: torch.Tensor,
        intermediate: tuple[torch.Tensor, ...],
        teacher_heatmaps: torch.Tensor | None,
        batch: dict[str, Any],
        weight: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        activation = self.network.preset.keypoint_head.activation
        keypoints, mask = heatmaps[:, :-1].float(), heatmaps[:, -1].float()
        levels, terms = [level.float() for level in intermediate], dict[str, torch.Tensor]()
        for share, target, where, mask_weight, peaks in self._targets(batch, weight, teacher_heatmaps):
            losses = {'mask': self.config.mask_weight * mask_loss(mask, target[:, -1], activation, mask_weight)}
            if self.config.heatmap_weight:
                loss = keypoint_loss(keypoints, target[:, :-1], where, peaks, activation)
                losses['heatmap'] = self.config.heatmap_weight * loss
            if levels:
                loss = intermediate_loss(levels, target, where, peaks, activation, mask_weight)
                losses['intermediate'] = self.config.intermediate_weight * loss
            for name, loss in losses.items():
                terms[name] = terms.get(name, 0) + share * loss
        return terms

    def _targets(
        self, batch: dict[str, Any], weight: torch.Tensor, teacher_heatmaps: torch.Tensor | None
    ) -> Iterator[tuple[float, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
        """What heatmaps and mask are compared with: its share of the loss, the target ``(B, K+1, h, w)``, W of the
        heatmaps and of the mask ``(B, h, w)``, and the number of its keypoints."""
        of_teacher = 0.0 if teacher_heatmaps is None else self.config.teacher_share
        if of_teacher < 1:
            target = batch['heatmaps'].to(weight.device, non_blocking=True)
            mask_weight = batch['mask_weight'].to(weight.device, non_blocking=True)
            peaks = distributed.mean(batch['peaks'].sum().to(weight.device))
            yield 1 - of_teacher, target, weight, mask_weight, peaks
        if teacher_heatmaps is not None and of_teacher > 0:
            # The sum over a Gaussian of height and deviation 1 is 2 pi.
            peaks = distributed.mean(teacher_heatmaps[:, :-1].sum() / (2 * math.pi))
            everywhere = torch.ones_like(weight)
            yield of_teacher, teacher_heatmaps, everywhere, everywhere, peaks

    def _box_terms(
        self, logits: torch.Tensor, offsets: torch.Tensor, boxes: list[torch.Tensor], ignored: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        pairs = [
            anchor_targets(found.to(self.anchors.device), self.anchors, where, self.size)
            for found, where in zip(boxes, ignored)
        ]
        labels, targets = (torch.stack(values) for values in zip(*pairs))
        focal, box = detector_loss(logits.float(), offsets.float(), labels, targets)
        return {'class': self.config.class_weight * focal, 'box': self.config.box_weight * box}
