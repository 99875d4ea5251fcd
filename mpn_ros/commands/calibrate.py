"""``mpn calibrate``: weights whose person scores are probabilities."""

from __future__ import annotations

import argparse
from pathlib import Path

from mpn_ros.commands.dataset_options import add_exif_argument, is_upright
from mpn_ros.commands.pipeline_options import add_pipeline_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn calibrate``."""
    parser.add_argument('out', type=Path, metavar='OUT', help='the weights file to write, NAME.safetensors')
    parser.add_argument('--images', required=True, type=Path, metavar='DIR', help='images that were not trained on')
    parser.add_argument(
        '--annotations',
        required=True,
        type=Path,
        metavar='JSON',
        help='COCO labels of all people in them: who has none counts as nobody',
    )
    add_exif_argument(parser)
    add_pipeline_arguments(parser, grouper=False)


def run(args: argparse.Namespace) -> None:
    """Measures how often boxes of each score are right, and writes the weights anew. Raises MpnError."""
    import numpy as np

    from mpn_ros.commands.pipeline_options import make_pipeline
    from mpn_ros.evaluation.calibration import cross_calibrated, fit, judge
    from mpn_ros.evaluation.coco_eval import THRESHOLDS, collect
    from mpn_ros.evaluation.reliability import reliability
    from mpn_ros.weights import check_ending, load_weights, resolve_weights, save_weights

    check_ending(args.out)
    weights = load_weights(resolve_weights(args.weights))
    pipeline = make_pipeline(args, THRESHOLDS)
    judged = judge(
        collect(
            pipeline, args.images, args.annotations, progress=True, layout=pipeline.layout, upright=is_upright(args)
        )
    )
    calibration = fit(judged)
    network = weights.network()
    network.detector.classification.apply_calibration(calibration.scale, calibration.shift)
    training = {
        **weights.metadata['training'],
        'calibration': {
            **calibration._asdict(),
            'input_size': pipeline.input_size,
            'images': len(set(judged.images.tolist())),
        },
    }
    save_weights(
        args.out,
        weights.preset,
        {**weights.parts, 'network': network.state_dict()},
        training=training,
        metrics=weights.metadata['metrics'],
        dtype=np.float16,
    )
    print('each half of the images by the other half:')
    print(f'{"boxes":>6} {"stated":>6} {"right":>6}')
    for row in reliability(cross_calibrated(judged), judged.right):
        print(f'{row["count"]:6} {row["stated"]:6.2f} {row["right"]:6.2f}')
    print(f'{args.out}: scale {calibration.scale:.3f}, shift {calibration.shift:.3f}')
