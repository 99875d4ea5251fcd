"""Compares forms of the Pose Residual Network: AP, bytes and time: ``python benchmarks/prn_forms.py --help``."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mpn_ros.evaluation.grouping import grouping_figures
from mpn_ros.evaluation.grouping_input import GroupingInput, simulated
from mpn_ros.evaluation.hardware_info import machine, versions
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.pipeline.crops import expand, to_crop_coordinates
from mpn_ros.pipeline.grouping import PRNGrouper
from mpn_ros.pipeline.sparse_prn import SparsePRN
from mpn_ros.raw_detections import PEAKS
from mpn_ros.training.prn_labels import LabelledPeople, load_people
from mpn_ros.training.prn_noise import EXACT, DetectorNoise
from mpn_ros.weights import load_weights, resolve_weights

PEOPLE = (1, 20, 40)
IMAGE = (640, 480)

Form = tuple[PoseResidualNetwork, int]
"""A network and the bytes that a weights file needs for it."""


def plain(prn: PoseResidualNetwork) -> Form:
    """As trained, in float32."""
    return prn, 4 * sum(value.numel() for value in prn.parameters())


def half(prn: PoseResidualNetwork) -> Form:
    """Weights in float16, as weights files that ship have them."""
    prn = changed(prn, lambda weight: weight.half().float())
    return prn, plain(prn)[1] // 2


def rank(count: int) -> Callable[[PoseResidualNetwork], Form]:
    """The two large layers as products of two matrices that meet in ``count`` values, in float16."""

    def form(prn: PoseResidualNetwork) -> Form:
        def product(weight: torch.Tensor) -> torch.Tensor:
            u, s, v = torch.svd_lowrank(weight, min(count, *weight.shape), niter=4)
            return (u * s) @ v.t()

        prn = changed(prn, product)
        return prn, 2 * sum(count * sum(layer.weight.shape) for layer in (prn.encode, prn.decode))

    return form


def pruned(share: float) -> Callable[[PoseResidualNetwork], Form]:
    """Without the ``share`` of the weights that are nearest to zero; three bytes are left for each other one, a float16
    and its place."""

    def form(prn: PoseResidualNetwork) -> Form:
        def sparse(weight: torch.Tensor) -> torch.Tensor:
            return weight * (weight.abs() > weight.abs().flatten().kthvalue(int(share * weight.numel())).values)

        prn = changed(prn, sparse)
        return prn, 3 * sum(int(layer.weight.count_nonzero()) for layer in (prn.encode, prn.decode))

    return form


FORMS: dict[str, Callable[[PoseResidualNetwork], Form]] = {
    'float32': plain,
    'float16': half,
    'rank 96': rank(96),
    'rank 48': rank(48),
    'half pruned': pruned(0.5),
}


def changed(prn: PoseResidualNetwork, change: Callable[[torch.Tensor], torch.Tensor]) -> PoseResidualNetwork:
    """A copy whose two large layers have changed weights."""
    prn = copy.deepcopy(prn)
    for layer in (prn.encode, prn.decode):
        layer.weight.data = change(layer.weight.data)
    return prn


def crowd(people: LabelledPeople, count: int, random: np.random.Generator) -> GroupingInput:
    """One image with ``count`` of the people anywhere on it, as simulated detectors see them; as many
    peaks of each keypoint are left as the network gives."""
    chosen = people[random.choice(len(people), count)]
    chosen = LabelledPeople(np.zeros(count, int), chosen.box.copy(), chosen.keypoints.copy())
    shift = random.uniform(0, IMAGE, (count, 2)) - chosen.box.reshape(-1, 2, 2).mean(1)
    chosen.box[:] += np.tile(shift, 2)
    chosen.keypoints[..., :2] += shift[:, None]
    [image] = simulated(chosen, DetectorNoise())
    strongest = np.argsort(-image.peaks[..., 2], axis=1)[:, :PEAKS, None]
    return dataclasses.replace(image, peaks=np.take_along_axis(image.peaks, strongest, 1))


def milliseconds(grouper: PRNGrouper, images: Sequence[GroupingInput], one_by_one: bool, repeats: int) -> float:
    """The least time of a call over ``repeats`` rounds of the images, the mean of the images."""

    def call(image: GroupingInput) -> float:
        start = time.perf_counter()
        for boxes in np.split(image.boxes, len(image.boxes)) if one_by_one else [image.boxes]:
            grouper([image.peaks], [boxes])
        return time.perf_counter() - start

    return 1000 * float(np.mean([min(call(image) for _ in range(repeats)) for image in images]))


def network_milliseconds(prn: PoseResidualNetwork, images: Sequence[GroupingInput], repeats: int) -> float:
    """The same of the network alone, which is given all peaks in each person's crop."""
    network = SparsePRN(prn)

    def call(candidates: np.ndarray) -> float:
        start = time.perf_counter()
        network(candidates)
        return time.perf_counter() - start

    crops = [
        to_crop_coordinates(image.peaks[None], expand(image.boxes[:, :4], prn.config.box_margin)) for image in images
    ]
    return 1000 * float(np.mean([min(call(crop) for _ in range(repeats)) for crop in crops]))


def main() -> None:
    """Prints and writes a row for each form of each file."""
    parser = argparse.ArgumentParser(description='Measure forms of the Pose Residual Network.')
    parser.add_argument('files', nargs='+', help='weights files with a PRN, or names of weights that ship')
    parser.add_argument('--labels', type=Path, required=True, help='COCO person_keypoints JSON or .npz')
    parser.add_argument('--forms', nargs='+', choices=FORMS, default=['float16'])
    parser.add_argument('--repeats', type=int, default=200)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--json', type=Path, required=True, help='where the figures go')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    people = load_people(args.labels)
    given = {'true': simulated(people, EXACT), 'simulated': simulated(people, DetectorNoise())}
    random = np.random.default_rng(0)
    crowds = {count: [crowd(people, count, random) for _ in range(5)] for count in PEOPLE}
    rows: list[dict[str, Any]] = []
    for file in args.files:
        trained = load_weights(resolve_weights(file)).prn()
        for name in args.forms:
            prn, size = FORMS[name](trained)
            grouper, config = PRNGrouper(prn), prn.config
            row: dict[str, Any] = {
                'file': file,
                'form': name,
                'nodes': config.nodes,
                'layers': config.layers,
                'grid': f'{config.width}x{config.height}',
                'bytes': size,
            }
            row['AP'] = {what: grouping_figures(grouper, images)['all']['AP'] for what, images in given.items()}
            row['ms'] = {count: milliseconds(grouper, crowds[count], False, args.repeats) for count in PEOPLE}
            row['ms of the network'] = {
                count: network_milliseconds(prn, crowds[count], args.repeats) for count in PEOPLE
            }
            row['ms one by one'] = {
                count: milliseconds(grouper, crowds[count], True, args.repeats // 10 + 1) for count in PEOPLE
            }
            rows.append(row)
            print(
                f'{file} {name}: {config.nodes} nodes, {row["grid"]}, {size / 1e6:.1f} MB, AP',
                ', '.join(f'{100 * value:.1f} {what}' for what, value in row['AP'].items()),
                '; ms',
                ', '.join(
                    f'{row["ms"][count]:.2f} ({row["ms of the network"][count]:.2f} of the network, '
                    f'{row["ms one by one"][count]:.2f} one by one) for {count}'
                    for count in PEOPLE
                ),
                flush=True,
            )
    args.json.write_text(
        json.dumps({'threads': args.threads, 'versions': versions(), 'machine': machine(), 'rows': rows}, indent=2)
        + '\n'
    )


if __name__ == '__main__':
    main()
