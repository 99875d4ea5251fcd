"""``mpn info``: what each block of a preset costs (Fig. 7), and what a weights file says of itself."""

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
    parser.add_argument(
        'what', metavar='PRESET|FILE', help=f'a preset ({", ".join(PRESETS)}), a weights file or a pose network in ONNX'
    )


def run(args: argparse.Namespace) -> None:
    """Prints what a weights file says of itself and its preset, what a network of others is, or a preset alone where no
    weights of that name ship.

    Raises MpnError for what is neither a preset nor a sound weights file.
    """
    from mpn_ros.families.network import open_weights
    from mpn_ros.weights import Weights, resolve_weights

    try:
        path = resolve_weights(args.what)
    except WeightsError as error:
        if args.what not in PRESETS:
            raise PresetError(f'{error}; the presets are {", ".join(PRESETS)}') from error
        print(_describe_preset(PRESETS[args.what]))
        return
    weights = open_weights(path)
    if not isinstance(weights, Weights):
        print(weights)
        return
    print(_describe_weights(weights, path.stat().st_size))
    print(_describe_preset(weights.preset))


def _describe_preset(preset: Preset) -> str:
    from mpn_ros.network.cost import block_costs

    costs = block_costs(preset, preset.input_size, preset.input_size)
    lines = [
        f'preset {preset.name}: {preset.backbone}, {preset.keypoints} keypoints; parameters, and multiply-adds on '
        f'{preset.input_size} x {preset.input_size} pixels'
    ]
    lines += [
        f'  {block:22} {cost.parameters / 1e6:7.2f} M {cost.multiply_adds / 1e9:9.3f} G'
        f'{" a person" if block == "pose residual network" else ""}'
        for block, cost in costs.items()
    ]
    lines.append(f'  {"total":22} {sum(cost.parameters for cost in costs.values()) / 1e6:7.2f} M')
    return '\n'.join(lines)


def _describe_weights(weights: Weights, size: int) -> str:
    lines = [
        f'{weights.source}: {", ".join(weights.parts)}; {size / 1e6:.1f} MB',
        f'sha256 {weights.metadata["sha256"]}',
    ]
    for title in ('training', 'metrics'):
        text = json.dumps(weights.metadata[title], indent=2, ensure_ascii=False)
        lines.append(f'{title}: {text if weights.metadata[title] else "none stated"}')
    return '\n'.join(lines)
