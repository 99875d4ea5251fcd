"""``mpn pack``: a trained network and a trained PRN become one weights file that can ship."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn pack``."""
    parser.add_argument('out', type=Path, metavar='OUT', help='the weights file to write, NAME.safetensors')
    parser.add_argument(
        '--network',
        required=True,
        type=Path,
        metavar='CHECKPOINT',
        help="checkpoint.pt of 'mpn train'; its averaged weights are taken",
    )
    parser.add_argument(
        '--prn',
        type=Path,
        metavar='WEIGHTS',
        help="prn.safetensors of 'mpn train prn'; without it only the Max grouper works",
    )
    parser.add_argument(
        '--blend',
        type=_checkpoint_share,
        metavar='CHECKPOINT=SHARE',
        help='take this share of another checkpoint, as of the start of the run, the rest of --network',
    )
    parser.add_argument(
        '--set',
        nargs='+',
        default=(),
        metavar='FIELD=VALUE',
        help='change what decides no shape, as prn.peak_threshold=0.03 input_size=512',
    )
    parser.add_argument('--data', metavar='TEXT', help='what the network was trained on, for whoever reads the file')
    parser.add_argument('--metrics', type=Path, metavar='JSON', help="what 'mpn eval' measured")


def run(args: argparse.Namespace) -> None:
    """Joins the parts; the tensors are stored in float16. Raises MpnError if they do not fit or a file is not what it
    should be."""
    import numpy as np

    from mpn_ros.errors import ParameterError, WeightsError
    from mpn_ros.presets import Preset, override
    from mpn_ros.training.checkpoint import load_checkpoint, recorded
    from mpn_ros.training.ema import blended
    from mpn_ros.training.norms import without_norms
    from mpn_ros.weights import check_ending, load_weights, save_weights

    check_ending(args.out)
    state = load_checkpoint(args.network)
    preset = Preset.from_dict(state['preset'])
    averaged = state['averaged']
    training: dict[str, Any] = recorded(state)
    if args.blend is not None:
        other, share = args.blend
        averaged = blended(averaged, load_checkpoint(other)['averaged'], share)
        training['blend'] = {'share': share}
    parts: dict[str, Mapping[str, Any]] = {'network': without_norms(preset, averaged)}
    if args.data:
        training['data'] = args.data
    if args.prn is not None:
        prn = load_weights(args.prn)
        if prn.preset.keypoints != preset.keypoints or 'prn' not in prn.parts:
            raise WeightsError(f'{args.prn} holds no PRN for the {preset.keypoints} keypoints of {args.network}')
        preset = dataclasses.replace(preset, prn=prn.preset.prn)
        parts |= {name: prn.parts[name] for name in ('prn', 'ucr') if name in prn.parts}
        training['prn'] = prn.metadata['training']
    preset = override(preset, args.set)
    try:
        metrics = dict(json.loads(args.metrics.read_text())) if args.metrics is not None else {}
    except (OSError, ValueError, TypeError) as error:
        raise ParameterError(f'--metrics {args.metrics} cannot be read as JSON: {error}') from error
    save_weights(args.out, preset, parts, training=training, metrics=metrics, dtype=np.float16)
    print(f'{args.out}: preset {preset.name}, {" and ".join(parts)}, {args.out.stat().st_size / 1e6:.1f} MB')


def _checkpoint_share(text: str) -> tuple[Path, float]:
    name, _, share = text.rpartition('=')
    if not name or not 0 <= float(share) <= 1:
        raise ValueError
    return Path(name), float(share)
