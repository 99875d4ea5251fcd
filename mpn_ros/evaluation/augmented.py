"""Test-time augmentation (section 4.2): one answer from an image at several sizes and from its mirror image.

The heatmaps of all views, the person mask among them, are averaged; the boxes of all views are put together for one
suppression; from there on everything is the pipeline's own.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from mpn_ros.backends.eager import EagerBackend
from mpn_ros.conventions import ChannelOrder
from mpn_ros.errors import ParameterError
from mpn_ros.inference_graph import find_peaks
from mpn_ros.pipeline.letterbox import Letterbox, check_image, check_input_size, compute_letterbox
from mpn_ros.pipeline.looks import Plan
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.raw_detections import RawDetections
from mpn_ros.result import PoseResult


class AugmentedPipeline:
    """A ``PosePipeline`` that looks several times, behind the same call.

    scales: long sides of the network's input in pixels, multiples of 32; peaks are searched at the largest.
    flip: each also as a mirror image. It takes as long as all those looks together.

    Raises ParameterError for other scales, and for a backend that gives no heatmaps: only 'eager' does.
    """

    def __init__(self, pipeline: PosePipeline, scales: Sequence[int], flip: bool) -> None:
        if not isinstance(pipeline.backend, EagerBackend):
            raise ParameterError(
                'test-time augmentation averages heatmaps, which only the backend eager gives, not '
                f'{pipeline.backend.info}'
            )
        for scale in scales:
            check_input_size(scale)
        self.pipeline, self.scales, self.flip = pipeline, tuple(scales), flip
        self._backend = pipeline.backend

    def __call__(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> PoseResult:
        """The people and the mask of one image ``(H, W, 3)`` uint8. Raises ImageError if it is not such an array."""
        check_image(image)
        reference = compute_letterbox(image.shape, max(self.scales))
        views = [compute_letterbox(image.shape, scale) for scale in self.scales]
        seen = self._see(image, channel_order, views, reference)
        thresholds, refine = self.pipeline.thresholds, self.pipeline.refine
        first = self.pipeline.first_looks([reference], seen, thresholds)
        second = self.pipeline.second_looks(first, refine, lambda plans: self._see_windows(image, channel_order, plans))
        [result] = self.pipeline.postprocess(first, second, self.pipeline.group(first, second), thresholds)
        return result

    def _see_windows(self, image: np.ndarray, channel_order: ChannelOrder, plans: Sequence[Plan]) -> RawDetections:
        """What all looks see in windows of one size; they are of the right size already, so only ``flip`` adds one."""
        seen = [
            self._see(plan.window.cut(image), channel_order, [plan.window.letterbox], plan.window.letterbox)
            for plan in plans
        ]
        return RawDetections(*(np.concatenate(parts) for parts in zip(*seen)))

    def _see(
        self, image: np.ndarray, channel_order: ChannelOrder, views: Sequence[Letterbox], reference: Letterbox
    ) -> RawDetections:
        """What all looks at an image, or at what a window shows of it, see together, in the pixels of the reference's
        input."""
        flip = [*self.pipeline.layout.flip, len(self.pipeline.layout)]
        heatmaps, boxes = [], []
        for view in views:
            for mirrored in (False, True) if self.flip else (False,):
                picture = cv2.flip(image, 1) if mirrored else image
                pixels = view.apply(picture, channel_order, self.pipeline.pad_value)
                seen, found = self._backend.dense(pixels[None])
                heatmaps.append(align_heatmaps(seen, view, reference, flip if mirrored else None))
                boxes.append(align_boxes(found[0].cpu().numpy(), view, reference, mirrored))
        mean = torch.stack(heatmaps).mean(0)
        together = np.concatenate(boxes)
        best_first = np.argsort(-together[:, 4], kind='stable')
        return RawDetections(
            find_peaks(mean[:, :-1]).cpu().numpy(), together[None, best_first], mean[:, -1].clamp(0, 1).cpu().numpy()
        )


def align_heatmaps(
    heatmaps: torch.Tensor, view: Letterbox, reference: Letterbox, flip: Sequence[int] | None
) -> torch.Tensor:
    """``heatmaps`` ``(1, C, h, w)`` over a view's input as they lie over the reference's input at the same stride:
    ``(1, C, H, W)``. flip: if the view is of the mirror image, the channels in the order that undoes it."""
    if flip is not None:
        heatmaps = heatmaps[:, flip]
    stride = view.input_size[0] // heatmaps.shape[3]
    # A fraction f of the reference's input is the fraction scale * f of the view's, counted from the other side of the
    # image in a mirror; grid_sample counts from -1 to 1.
    content = np.divide(view.content_size, view.input_size)
    scale = content * np.divide(reference.input_size, reference.content_size)
    shift = scale - 1
    if flip is not None:
        scale[0], shift[0] = -scale[0], 2 * content[0] - scale[0] - 1
    to_view = torch.tensor([[[scale[0], 0, shift[0]], [0, scale[1], shift[1]]]], dtype=torch.float32)
    shape = [*heatmaps.shape[:2], reference.input_size[1] // stride, reference.input_size[0] // stride]
    grid = F.affine_grid(to_view.to(heatmaps.device), shape, align_corners=False)
    return F.grid_sample(heatmaps, grid, mode='bicubic', padding_mode='border', align_corners=False)


def align_boxes(boxes: np.ndarray, view: Letterbox, reference: Letterbox, mirrored: bool) -> np.ndarray:
    """Boxes ``(M, 5)`` of a view, of the mirror image if ``mirrored``, in the pixels of the reference's input."""
    edges = view.boxes_to_image(boxes[:, :4])
    if mirrored:
        edges[:, [0, 2]] = view.image_size[0] - edges[:, [2, 0]]
    edges *= np.tile(reference.scale, 2)
    return np.concatenate([edges, boxes[:, 4:]], 1).astype(np.float32)
