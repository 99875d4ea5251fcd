"""``mpn ablate crops``: pictures of overlapping people in whom PRN, UCR and Max differ."""

from __future__ import annotations

import argparse
from pathlib import Path

from mpn_ros.commands.output import save_picture
from mpn_ros.commands.pipeline_options import add_pipeline_arguments
from mpn_ros.errors import DatasetError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument('picture', type=Path, metavar='OUT', help='the picture to write, as crops.png')
    parser.add_argument('--images', type=Path, required=True, metavar='DIR', help='folder of the images')
    parser.add_argument('--annotations', type=Path, required=True, metavar='FILE', help='person_keypoints JSON')
    parser.add_argument('--limit', type=int, metavar='N', help='only the first N images')
    parser.add_argument('--crops', type=int, default=3, metavar='N', help='how many crops (default: %(default)s)')
    parser.add_argument(
        '--overlap',
        type=float,
        default=0.3,
        metavar='IOU',
        help='by how much the boxes of two people overlap (default: %(default)s)',
    )
    add_pipeline_arguments(parser, grouper=False)


def run(args: argparse.Namespace) -> None:
    """Finds the crops in which the PRN is furthest ahead, and draws them. Raises MpnError."""
    from mpn_ros.coco import read_dataset
    from mpn_ros.commands.ablate_grouping import make_groupers, open_pipeline
    from mpn_ros.evaluation.crop_pictures import crops_that_differ, draw_crops
    from mpn_ros.evaluation.grouping_input import detected_by
    from mpn_ros.weights import load_weights, resolve_weights

    weights, pipeline = load_weights(resolve_weights(args.weights)), open_pipeline(args)
    layout = weights.preset.layout
    dataset = read_dataset(args.images, args.annotations, layout).first(args.limit)
    images = list(detected_by(pipeline, dataset))
    crops = crops_that_differ(make_groupers(weights), images, args.crops, args.overlap, layout)
    if not crops:
        raise DatasetError(
            f'no two people of {args.annotations} were found whose boxes overlap by more than {args.overlap}'
        )
    save_picture(args.picture, draw_crops(crops, layout))
    for crop in crops:
        print(f'image id {crop.image_id}: OKS', ', '.join(f'{name} {value:.2f}' for name, value in crop.oks.items()))
