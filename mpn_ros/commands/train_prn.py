"""``mpn train prn``: the Pose Residual Network on labels alone."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import torch
from tqdm import tqdm

from mpn_ros.backends.torch_backend import check_device
from mpn_ros.coco import read_dataset
from mpn_ros.errors import ParameterError
from mpn_ros.evaluation.grouping import grouping_figures
from mpn_ros.evaluation.grouping_input import simulated
from mpn_ros.evaluation.peak_noise import measured_noise, sightings
from mpn_ros.files import make_folder
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.pipeline.grouping import Grouper, MaxGrouper, PRNGrouper, UCRGrouper
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.presets import PRN_PRESETS, Preset, override, preset, prn_preset
from mpn_ros.training.options import add_options, options_of, settings_from
from mpn_ros.training.prn_data import CropSampler, ucr_prior
from mpn_ros.training.prn_labels import LabelledPeople, load_people
from mpn_ros.training.prn_noise import EXACT, DetectorNoise
from mpn_ros.training.prn_trainer import PRNTrainer, PRNTraining
from mpn_ros.weights import save_weights

NOISE = {'noisy': DetectorNoise(), 'exact': EXACT}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the stage; nothing but labels is needed."""
    parser.add_argument(
        '--prn',
        default='lite',
        metavar='NAME',
        help=f'which form: that of a preset, or of Table 3: {", ".join(PRN_PRESETS)} (default: lite)',
    )
    parser.add_argument(
        '--set',
        nargs='+',
        default=(),
        metavar='FIELD=VALUE',
        help='change the form, as nodes=256 height=28 width=18 dropout=0.1',
    )
    parser.add_argument(
        '--labels', required=True, type=Path, help='COCO person_keypoints JSON, or an .npz of labelled people'
    )
    parser.add_argument('--validation', type=Path, help='more labels, to measure the grouping on at the end')
    parser.add_argument('--folder', type=Path, default=Path('runs/prn'), help='where the checkpoint and the weights go')
    add_options(parser, list(options_of(PRNTraining)))
    parser.add_argument(
        '--noise', choices=NOISE, default='noisy', help="boxes and peaks as detectors find them, or 'exact' ones"
    )
    parser.add_argument(
        '--set-noise',
        nargs='+',
        default=(),
        metavar='FIELD=VALUE',
        help='change how they err, as position=0.5 miss=0.08; the fields are those of DetectorNoise',
    )
    parser.add_argument(
        '--noise-of',
        type=Path,
        metavar='NAME|FILE',
        help='measure how the peaks of these weights err, on --noise-images, and train on that',
    )
    parser.add_argument('--noise-images', type=Path, metavar='DIR', help='images to measure it on')
    parser.add_argument('--noise-annotations', type=Path, metavar='JSON', help='their COCO person_keypoints JSON')
    parser.add_argument('--noise-limit', type=int, metavar='N', help='only the first N of them')
    parser.add_argument('--device', default='auto', help='cpu, cuda, cuda:1 ... (default: a GPU where there is one)')


def run(args: argparse.Namespace) -> int:
    """Trains, going on where ``--folder`` holds a checkpoint of the same settings, and writes ``prn.safetensors``
    there."""
    make_folder(args.folder, '--folder')
    vessel = dataclasses.replace(preset('lite'), prn=prn_preset(args.prn))
    whole = override(vessel, [f'prn.{change}' for change in args.set])
    people = load_people(args.labels)
    validation = load_people(args.validation) if args.validation is not None else None
    training = settings_from(PRNTraining, args)
    noise = _noise(args, whole)
    torch.manual_seed(args.seed)
    prn = PoseResidualNetwork(whole.prn, whole.keypoints).to(check_device(args.device))
    trainer = PRNTrainer(prn, CropSampler(people, whole.prn.box_margin, noise), training, args.folder / 'checkpoint.pt')
    title = f'PRN on {len(people)} people'
    with tqdm(total=training.epochs, initial=trainer.epoch, desc=title, unit='epoch') as progress:

        def after_epoch(epoch: int, loss: float) -> None:
            progress.set_postfix(loss=f'{loss:.4f}')
            progress.update()

        trainer.run(after_epoch)

    prior = ucr_prior(people, whole.prn, noise, args.seed)
    metrics = {}
    if validation is not None:
        margin = whole.prn.box_margin
        groupers: dict[str, Grouper] = {
            'PRN': PRNGrouper(prn),
            'UCR': UCRGrouper(prior, margin),
            'Max': MaxGrouper(margin),
        }
        metrics = {name: _measure(name, grouper, validation) for name, grouper in groupers.items()}
    target = args.folder / 'prn.safetensors'
    parts = {'prn': prn.state_dict(), 'ucr': {'prior': torch.from_numpy(prior)}}
    save_weights(
        target,
        whole,
        parts,
        metrics={'grouping': metrics},
        training={
            'prn': {**dataclasses.asdict(training), 'labels': args.labels.name, 'noise': dataclasses.asdict(noise)}
        },
    )
    print(target, file=sys.stderr)
    return 0


def _noise(args: argparse.Namespace, whole: Preset) -> DetectorNoise:
    """How detectors err for this run; no peak is lower than the network will be shown. Raises MpnError."""
    noise = NOISE[args.noise]
    given = [value is not None for value in (args.noise_of, args.noise_images, args.noise_annotations)]
    if any(given) and (not all(given) or args.noise == 'exact'):
        raise ParameterError('--noise-of, --noise-images and --noise-annotations go together, and not with exact noise')
    if any(given):
        pipeline = PosePipeline(args.noise_of, backend='eager', device=args.device, grouper='max')
        dataset = read_dataset(args.noise_images, args.noise_annotations, whole.layout).first(args.noise_limit)
        noise = measured_noise(sightings(pipeline, dataset), whole.prn.peak_threshold, whole.prn.box_margin)
        print(
            f'noise of {args.noise_of}:',
            *(f'{name} {value:.3f}' for name, value in vars(noise).items()),
            file=sys.stderr,
        )
    changes: dict[str, float] = {'lowest': whole.prn.peak_threshold}
    known = {field.name for field in dataclasses.fields(DetectorNoise)} - changes.keys()
    for assignment in args.set_noise:
        name, _, text = assignment.partition('=')
        try:
            if name not in known:
                raise ValueError
            changes[name] = float(text)
        except ValueError as error:
            raise ParameterError(
                f"--set-noise: '{assignment}' is not FIELD=NUMBER with a field of {', '.join(sorted(known))}"
            ) from error
    return dataclasses.replace(noise, **changes)


def _measure(name: str, grouper: Grouper, people: LabelledPeople) -> dict[str, dict[str, float | None]]:
    """The grouper's AP under each kind of noise; prints a line for each."""
    figures = {kind: grouping_figures(grouper, simulated(people, noise))['all'] for kind, noise in NOISE.items()}
    for kind, result in figures.items():
        print(f'{name:3} {kind:5}', *(f'{key} {100 * value:.1f}' for key, value in result.items() if value is not None))
    return figures
