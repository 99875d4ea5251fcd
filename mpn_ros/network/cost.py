"""What each block of the network costs: parameters and multiply-adds (Fig. 7)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.presets import Preset


class Cost(NamedTuple):
    """``parameters`` of a block, and its ``multiply_adds`` for one image; for the PRN those of one person, at most: the
    pipeline leaves out the cells without a peak."""

    parameters: int
    multiply_adds: int


def block_costs(preset: Preset, height: int, width: int) -> dict[str, Cost]:
    """What each block of Fig. 7 costs on an input of ``height`` x ``width`` pixels; the intermediate heads, which only
    training uses, are not among them."""
    with torch.device('meta'):  # shapes alone, no values
        network, prn = MultiPoseNet(preset).eval(), PoseResidualNetwork(preset.prn, preset.keypoints).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, height, width))
            prn(torch.empty(1, preset.prn.height, preset.prn.width, preset.keypoints))
    blocks = {
        'backbone': (network.backbone,),
        'keypoint subnet': (network.keypoint_pyramid, network.keypoint_head),
        'detection subnet': (network.detector_pyramid, network.detector),
        'pose residual network': (prn,),
    }
    names = {
        module: name for model in (network, prn) for name, module in model.named_modules(prefix=type(model).__name__)
    }
    operations = counter.get_flop_counts()
    return {
        block: Cost(
            sum(p.numel() for module in modules for p in module.parameters()),
            sum(sum(operations[names[module]].values()) for module in modules) // 2,
        )
        for block, modules in blocks.items()
    }
