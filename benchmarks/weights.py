"""What weights are worth, side by side on one dataset: ``python -m benchmarks.weights --help``."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mpn_ros.coco import PersonDataset, read_dataset
from mpn_ros.commands.output import write_json
from mpn_ros.evaluation.average_precision import figures
from mpn_ros.evaluation.bootstrap import ImageMatches, difference_interval, interval
from mpn_ros.evaluation.coco_eval import THRESHOLDS, Answers, collect
from mpn_ros.evaluation.keypoint_errors import count_errors, keypoint_errors
from mpn_ros.pipeline.pipeline import PosePipeline

EDGES = (0, 96, 128, 192, 256, 1e5)
"""Between which sizes people are measured apart: roots of their area, in pixels of the image."""
CROPS = {'face': slice(0, 7), 'upper body': slice(0, 13)}
"""The keypoints around which enlarged crops are cut: head and shoulders, and those with arms and hips."""
MARGIN, SMALLEST = 0.25, 64
SURE = 0.4  # the score from which a robot is told of a person


def pose_figures(answers: Answers, base: Answers | None) -> dict[str, Any]:
    """AP and its parts with the ends of their 95 % intervals, those of boxes and mask, and what AP gains over
    ``base`` with its interval."""
    named = {
        'AP': ImageMatches(answers.keypoints),
        'AP75': ImageMatches(answers.keypoints, threshold=0.75),
        'AP_M': ImageMatches(answers.keypoints, 'medium'),
        'AP_L': ImageMatches(answers.keypoints, 'large'),
        'box_AP50': ImageMatches(answers.bbox, threshold=0.5),
    }
    found: dict[str, Any] = {
        name: [matches.average_precision(), *interval(matches.average_precision, len(matches))]
        for name, matches in named.items()
    }
    mask = answers.mask_iou
    found['mask_iou'] = None if mask is None else [mask.over(), *interval(mask.over, len(mask.counts))]
    if base is not None:
        found['gain'] = difference_interval(named['AP'], ImageMatches(base.keypoints))
    summary = figures(answers.keypoints)
    found |= {name: summary[name] for name in ('AP50', 'AR')}
    found['sure_without_keypoints'] = sure_without_keypoints(answers)
    found['ms_per_image'] = 1000 * float(np.median(answers.seconds))
    return found


def sure_without_keypoints(answers: Answers) -> int:
    """How many boxes that a robot is told of have no keypoint at all."""
    posed = {(pose['image_id'], *pose['bbox']) for pose in answers.results['keypoints']}
    sure = [box for box in answers.results['bbox'] if box['score'] > SURE]
    return sum((box['image_id'], *box['bbox']) not in posed for box in sure)


def by_size(answers: Answers) -> list[dict[str, Any]]:
    """AP, and how keypoints go wrong, of people between each two of ``EDGES``."""
    ranges = {f'{low:g}': (low**2, high**2) for low, high in zip(EDGES, EDGES[1:])}
    evaluation, people = answers.matched('keypoints', areas=ranges), keypoint_errors(answers)
    return [
        {'from': low, 'AP': ImageMatches(evaluation, name).average_precision(), **count_errors(people, *ranges[name])}
        for name, low in zip(ranges, EDGES)
    ]


def enlarge(dataset: PersonDataset, keypoints: slice, folder: Path) -> None:
    """Writes ``images`` and ``labels.json`` into ``folder``: for each large person with three or more of these
    keypoints labelled, what lies around them, with everybody who is in it. Who is cut keeps the share of the area that
    is left."""
    (folder / 'images').mkdir()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image in dataset.images:
        pixels = image.read()
        for person in dataset.annotations_of(image):
            points = np.reshape(person['keypoints'], (-1, 3))[keypoints]
            points = points[points[:, 2] > 0, :2]
            if person['iscrowd'] or person['area'] < 96**2 or len(points) < 3:
                continue
            margin = MARGIN * np.ptp(points, 0).max()
            low = np.maximum(0, np.floor(points.min(0) - margin)).astype(int)
            high = np.minimum((image.width, image.height), np.ceil(points.max(0) + margin)).astype(int)
            if (high - low).min() < SMALLEST:
                continue
            number, (width, height) = len(images) + 1, (high - low).tolist()
            cv2.imwrite(str(folder / 'images' / f'{number}.png'), pixels[low[1] : high[1], low[0] : high[0]])
            images.append({'id': number, 'file_name': f'{number}.png', 'width': width, 'height': height})
            annotations += [
                {**label, 'image_id': number, 'id': len(annotations) + index}
                for index, label in enumerate(_cut(dataset.annotations_of(image), low, high), 1)
            ]
    categories = [{'id': 1, 'name': 'person'}]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    (folder / 'labels.json').write_text(json.dumps(content))


def _cut(people: list[dict[str, Any]], low: np.ndarray, high: np.ndarray) -> list[dict[str, Any]]:
    cut = []
    for person in people:
        x, y, width, height = person['bbox']
        first, last = np.maximum((x, y), low), np.minimum((x + width, y + height), high)
        if (last <= first).any() or not width * height:
            continue
        points = np.array(person['keypoints'], float).reshape(-1, 3)
        inside = ((points[:, :2] >= low) & (points[:, :2] < high)).all(1) & (points[:, 2] > 0)
        points = np.where(inside[:, None], points - [*low, 0], 0)
        cut.append(
            {
                'category_id': 1,
                'bbox': [*(first - low).tolist(), *(last - first).tolist()],
                'area': person['area'] * float((last - first).prod() / (width * height)),
                'iscrowd': person['iscrowd'],
                'keypoints': points.ravel().tolist(),
                'num_keypoints': int(inside.sum()),
            }
        )
    return cut


def main() -> None:
    """Measures every setting of every network, and writes one JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=Path, required=True, metavar='DIR')
    parser.add_argument('--annotations', type=Path, required=True, metavar='FILE')
    parser.add_argument('--weights', nargs='+', default=['lite'], help='each is compared with the first')
    parser.add_argument('--input-sizes', type=int, nargs='+', default=[384, 512], metavar='PIXELS')
    parser.add_argument('--refine', type=int, nargs='+', default=[0, 4, 20], metavar='N')
    parser.add_argument('--limit', type=int, metavar='N', help='only the first N images')
    parser.add_argument('--json', type=Path, required=True, metavar='OUT')
    args = parser.parse_args()
    dataset = read_dataset(args.images, args.annotations).first(args.limit)
    rows: list[dict[str, Any]] = []
    crops: list[dict[str, Any]] = []
    base: dict[tuple[int, int], Answers] = {}
    with tempfile.TemporaryDirectory() as place:
        for name, keypoints in CROPS.items():
            (Path(place) / name).mkdir()
            enlarge(dataset, keypoints, Path(place) / name)
        for weights in args.weights:
            for input_size in args.input_sizes:
                pipeline = PosePipeline(weights, input_size=input_size, thresholds=THRESHOLDS)
                for refine in args.refine:
                    pipeline.refine = refine
                    answers = collect(pipeline, args.images, args.annotations, args.limit, by_shape=True)
                    setting = {'weights': Path(weights).name, 'input_size': input_size, 'refine': refine}
                    first = base.setdefault((input_size, refine), answers)
                    found = pose_figures(answers, None if first is answers else first)
                    rows.append({**setting, **found, 'by_size': by_size(answers)})
                    print(_line(rows[-1]), flush=True)
                    if input_size == args.input_sizes[0] and refine == args.refine[-1]:
                        crops += [{**setting, **line} for line in _crops(pipeline, Path(place))]
    machine = {name: answers.figures()[name] for name in ('machine', 'versions', 'images')}
    write_json(args.json, {'rows': rows, 'crops': crops, **machine})


def _crops(pipeline: PosePipeline, place: Path) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for name in CROPS:
        answers = collect(pipeline, place / name / 'images', place / name / 'labels.json')
        matches = ImageMatches(answers.keypoints)
        average = matches.average_precision()
        ends = interval(matches.average_precision, len(matches))
        errors = count_errors(keypoint_errors(answers), 0, np.inf)
        lines.append({'crop': name, 'images': len(matches), 'AP': [average, *ends], **errors})
        print(f'  {name}: {len(matches)} images, AP {100 * average:.1f}', flush=True)
    return lines


def _line(row: dict[str, Any]) -> str:
    def ends(name: str) -> str:
        value = row[name]
        return '-' if value is None else '{:.1f} ({:.1f} to {:.1f})'.format(*(100 * number for number in value))

    names = 'AP', 'AP75', 'AP_M', 'AP_L', 'box_AP50', 'mask_iou'
    return f'{row["weights"]} {row["input_size"]} refine {row["refine"]}: ' + ', '.join(
        f'{name} {ends(name)}' for name in names
    )


if __name__ == '__main__':
    main()
