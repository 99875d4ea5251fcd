"""``mpn info``: the parameters of each block of a preset (Fig. 7), and what a weights file says of itself."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from mpn_ros.errors import PresetError, WeightsError
from mpn_ros.presets import PRESETS, Preset

if TYPE_CHECKING:
    from mpn_ros.weights import Weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the argument of ``mpn info``."""
    parser.add_argument('what', metavar='PRESET|FILE', help=f"a preset ({', '.join(PRESETS)}) or a weights file")


def run(args: argparse.Namespace) -> None:
    """Prints what a weights file says of itself and its preset, or a preset alone where no weights of that name ship.

    Raises MpnError for what is neither a preset nor a sound weights file.
    """
    from mpn_ros.weights import load_weights, resolve_weights
    try:
        path = resolve_weights(args.what)
    except WeightsError as error:
        if args.what not in PRESETS:
            raise PresetError(f"{error}; the presets are {', '.join(PRESETS)}") from error
        print(_describe_preset(PRESETS[args.what]))
        return
    weights = load_weights(path)
    print(_describe_weights(weights, path.stat().st_size))
    print(_describe_preset(weights.preset))


def count_parameters(preset: Preset) -> dict[str, int]:
    """Parameters by block as in Fig. 7; the intermediate heads, which only training uses, are not among them."""
    import torch

    from mpn_ros.network.multiposenet import MultiPoseNet
    from mpn_ros.network.prn import PoseResidualNetwork
    with torch.device('meta'):
        network, prn = MultiPoseNet(preset), PoseResidualNetwork(preset.prn, preset.keypoints)
    blocks = {'backbone': (network.backbone,), 'keypoint subnet': (network.keypoint_pyramid, network.keypoint_head),
              'detection subnet': (network.detector_pyramid, network.detector), 'pose residual network': (prn,)}
    return {name: sum(p.numel() for module in modules for p in module.parameters()) for name, modules in blocks.items()}


def _describe_preset(preset: Preset) -> str:
    counts = count_parameters(preset)
    lines = [f'preset {preset.name}: {preset.backbone}, {preset.input_size} pixels, {preset.keypoints} keypoints']
    lines += [f'  {name:22} {count / 1e6:7.2f} M' for name, count in {**counts, 'total': sum(counts.values())}.items()]
    return '\n'.join(lines)


def _describe_weights(weights: Weights, size: int) -> str:
    lines = [f"{weights.source}: {', '.join(weights.parts)}; {size / 1e6:.1f} MB",
             f"sha256 {weights.metadata['sha256']}"]
    for title in ('training', 'metrics'):
        text = json.dumps(weights.metadata[title], indent=2, ensure_ascii=False)
        lines.append(f'{title}: {text if weights.metadata[title] else "none stated"}')
    return '\n'.join(lines)
