"""Starts `lite` where MoveNet MultiPose Lightning (Apache-2.0, an ONNX file the user gives) stands.

Its backbone is ours. Its pyramid (64, 32, 24, 24 channels) and heatmap head (24 -> 96 -> 17) are narrower than ours and
become the first channels of our layers; the second convolution of D2 and the fusion start as identities, so that at
step 0 our heatmaps are exactly its own. The channels that are left keep their random start, but do not touch the copied
ones yet.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from mpn_ros.errors import WeightsError
from mpn_ros.network.mobilenet import MobileNet
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.pyramid import FeaturePyramid

_BACKBONE_CONVOLUTIONS = 52
COPIED_CHANNELS = (24, 24, 32, 64)
"""How many channels of K2..K5 are MoveNet's."""


def _convolutions(path: Path) -> list[tuple[str, list[torch.Tensor]]]:
    """Output name and (weight[, bias]) of each convolution of an ONNX graph, in graph order."""
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:  # onnx raises protobuf's own errors
        raise WeightsError(f'{path} is not a readable ONNX file: {error}') from error
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    return [
        (node.output[0], [torch.from_numpy(np.array(numpy_helper.to_array(arrays[name]))) for name in node.input[1:]])
        for node in graph.node
        if node.op_type == 'Conv'
    ]


class Copied:
    """The rows of parameters that hold MoveNet's values: ``rows`` by parameter, each from the first on."""

    def __init__(self) -> None:
        self.rows: dict[nn.Parameter, int] = {}

    def write(self, conv: nn.Conv2d, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        """Puts ``weight`` into the first rows and columns; the rest of those rows becomes zero."""
        rows, columns = weight.shape[:2]
        conv.weight.data[:rows] = 0
        conv.weight.data[:rows, :columns] = weight
        self.rows[conv.weight] = rows
        if bias is not None:
            conv.bias.data[:rows] = bias
            self.rows[conv.bias] = rows

    def write_separable(
        self, separable: nn.Sequential, depthwise: torch.Tensor, pointwise: torch.Tensor, bias: torch.Tensor
    ) -> None:
        """The same for a depthwise and a pointwise convolution."""
        self.write(separable[0], depthwise)
        self.write(separable[1], pointwise, bias)

    def pass_through(self, separable: nn.Sequential, channels: int) -> None:
        """Makes the first ``channels`` outputs of a separable convolution copies of its first inputs."""
        centre = torch.zeros(channels, 1, 3, 3)
        centre[:, :, 1, 1] = 1
        self.write_separable(separable, centre, torch.eye(channels)[:, :, None, None], torch.zeros(channels))

    def named(self, network: MultiPoseNet) -> dict[str, int]:
        """The rows by the parameters' names in ``network``."""
        return {name: self.rows[value] for name, value in network.named_parameters() if value in self.rows}


def _start_pyramid(
    pyramid: FeaturePyramid, copied: Copied, laterals: list[list[torch.Tensor]], smooth: list[list[torch.Tensor]]
) -> None:
    """``laterals`` and ``smooth`` finest first; a pyramid with fewer levels takes the coarser ones."""
    for conv, (weight, bias) in zip(reversed(pyramid.lateral), reversed(laterals)):
        copied.write(conv, weight, bias)
    levels = len(pyramid.lateral) - 1
    for separable, arrays in zip(pyramid.smooth, smooth[len(smooth) - levels :]):
        copied.write_separable(separable, *arrays)


def start_from_movenet(network: MultiPoseNet, path: str | Path) -> Copied:
    """Loads MoveNet MultiPose's weights into a `lite` network; returns what of the keypoint pyramid and subnet is
    copied.

    Raises WeightsError if ``path`` is not that model.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f'{path} does not exist')
    if not isinstance(network.backbone, MobileNet):
        raise WeightsError(f"preset '{network.preset.name}' has no MobileNet to take MoveNet's weights")
    convolutions = _convolutions(path)
    backbone = [module for module in network.backbone.modules() if isinstance(module, nn.Conv2d)]
    arrays = [values for _, values in convolutions]
    if len(arrays) < 70 or any(
        conv.weight.shape != values[0].shape or len(values) != 2
        for conv, values in zip(backbone, arrays[:_BACKBONE_CONVOLUTIONS])
    ):
        raise WeightsError(
            f'{path} is not MoveNet MultiPose: its first {_BACKBONE_CONVOLUTIONS} convolutions have other shapes'
        )
    for conv, (weight, bias) in zip(backbone, arrays):
        conv.weight.data.copy_(weight)
        conv.bias.data.copy_(bias)
    lateral5, lateral4, lateral3, lateral2, *rest = arrays[_BACKBONE_CONVOLUTIONS:]
    smooth = [[rest[i][0], *rest[i + 1]] for i in (4, 2, 0)]
    laterals = [lateral2, lateral3, lateral4, lateral5]
    copied = Copied()
    _start_pyramid(network.keypoint_pyramid, copied, laterals, smooth)
    _start_pyramid(
        network.detector_pyramid.pyramid, Copied(), laterals, smooth
    )  # a start to go on from, nothing to keep

    depthwise, pointwise, output = [values for name, values in convolutions if 'kpt_heatmap' in name]
    first, _, second, _ = network.keypoint_head.down[0]
    copied.write_separable(first, depthwise[0], *pointwise)
    copied.pass_through(second, len(pointwise[0]))
    copied.pass_through(network.keypoint_head.fusion, len(pointwise[0]))
    copied.write(network.keypoint_head.heatmaps, *output)
    return copied
