#!/usr/bin/env python3
"""How far estimated distances are off on the four-camera clip of pose2sim, against those that two cameras triangulate.

The clips are not part of this repository: `pip download --no-deps pose2sim==0.10.49`, unzip the wheel, and give the
folder Pose2Sim/Demo_MultiPerson as --clips.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import cv2
import numpy as np
from tqdm import tqdm

from mpn_ros.camera_model import CameraModel
from mpn_ros.depth.back_projection import TORSO
from mpn_ros.depth.proportions import ERROR, estimate_from_height
from mpn_ros.media import VideoReader
from mpn_ros.pipeline.pipeline import PosePipeline

SURE = 0.3
"""Score from which a keypoint is triangulated."""
FEWEST = 8
"""Keypoints that two views of one person share at least."""
AGREEMENT = 10.0
"""Mean distance in pixels of the triangulated keypoints from both views up to which these are of one person."""


class View(NamedTuple):
    """A calibrated camera: its lens, and ``(3, 4)`` from the room in metres to its optical frame."""

    model: CameraModel
    pose: np.ndarray


def read_views(path: Path) -> dict[str, View]:
    """The cameras of a calibration of Qualisys, by name: matrices are in 64ths of a pixel, millimetres, camera to room,
    and the camera looks along its negative z axis."""
    views = {}
    for camera in ElementTree.parse(path).getroot().iter('camera'):
        lens, place, size = (camera.find(tag).attrib for tag in ('intrinsic', 'transform', 'fov_video'))
        matrix = np.eye(3)
        matrix[[0, 1, 0, 1], [0, 1, 2, 2]] = [
            float(lens[name]) / 64 for name in ('focalLengthU', 'focalLengthV', 'centerPointU', 'centerPointV')
        ]
        distortion = np.array(
            [
                float(lens[name])
                for name in ('radialDistortion1', 'radialDistortion2', 'tangentalDistortion1', 'tangentalDistortion2')
            ]
        )
        rotation = np.array([[float(place[f'r{row}{column}']) for column in (1, 2, 3)] for row in (1, 2, 3)])
        rotation = np.diag([1.0, -1.0, -1.0]) @ rotation
        position = np.array([float(place[axis]) / 1000 for axis in 'xyz'])
        model = CameraModel(matrix, distortion, int(size['right']) + 1, int(size['bottom']) + 1)
        views[camera.attrib['serial']] = View(model, np.hstack([rotation, -(rotation @ position)[:, None]]))
    return views


def triangulate(views: tuple[View, View], keypoints: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray] | None:
    """The keypoints that both views ``(17, 3)`` are sure of, ``(n, 3)`` metres in the frame of each; None if the views
    are of two people, or lack a shoulder or hip. The shoulders and hips are the first four."""
    sure = (keypoints[0][:, 2] > SURE) & (keypoints[1][:, 2] > SURE)
    if sure.sum() < FEWEST or not sure[list(TORSO)].all():
        return None
    columns = [*TORSO, *(keypoint for keypoint in np.flatnonzero(sure) if keypoint not in TORSO)]
    rays = [view.model.rays(points[columns, :2]) for view, points in zip(views, keypoints, strict=True)]
    room = cv2.triangulatePoints(views[0].pose, views[1].pose, rays[0][:, :2].T, rays[1][:, :2].T)
    found = [(view.pose @ (room / room[3])).T for view in views]
    off = [
        np.linalg.norm(points[:, :2] / points[:, 2:] - seen[:, :2], axis=-1).mean() * view.model.matrix[0, 0]
        for points, seen, view in zip(found, rays, views, strict=True)
    ]
    return found if max(off) < AGREEMENT else None


def ratios(scenes: dict[str, np.ndarray], views: dict[str, View], height: float) -> Iterator[float]:
    """Estimated by true distance of everybody whom two cameras see; ``scenes`` are keypoints ``(P, 17, 3)`` by camera,
    of one moment."""
    for pair in combinations(scenes, 2):
        both = views[pair[0]], views[pair[1]]
        for one in scenes[pair[0]]:
            for other in scenes[pair[1]]:
                found = triangulate(both, (one, other))
                for view, points, keypoints in zip(both, found or (), (one, other)):
                    guess = estimate_from_height(keypoints[None], view.model, height).torso().points[0, 0, 2]
                    yield float(guess / points[: len(TORSO), 2].mean())


def main() -> None:
    """Prints the figures, and writes them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--clips', type=Path, required=True, metavar='DIR', help='folder of videos and calibration')
    parser.add_argument('--weights', default='lite', help='name of weights that ship, or a weights file')
    parser.add_argument('--step', type=int, default=8, metavar='N', help='use every Nth frame')
    parser.add_argument('--height', type=float, default=1.7, help='assumed height of the people in metres')
    parser.add_argument('--json', type=Path, help='where the figures go')
    args = parser.parse_args()
    pipeline = PosePipeline(args.weights)
    views = read_views(args.clips / 'calibration' / 'Calib.qca.txt')
    moments: dict[int, dict[str, np.ndarray]] = {}
    for camera in views:
        with VideoReader(args.clips / 'videos' / f'{camera}.mp4') as video:
            for frame in tqdm(video, camera, video.expected or None, leave=False, disable=None):
                if frame.index % args.step == 0:
                    moments.setdefault(frame.index, {})[camera] = pipeline(frame.image, 'bgr').keypoints
    off = np.array([ratio for scenes in moments.values() for ratio in ratios(scenes, views, args.height)]) - 1
    figures = {
        'views': len(off),
        'mean': off.mean(),
        'rms': np.sqrt((off**2).mean()),
        'p90': np.quantile(np.abs(off), 0.9),
        'stated': ERROR,
    }
    figures = {name: round(float(value), 3) for name, value in figures.items()}
    print(*(f'{name} {value:g}' for name, value in figures.items()))
    if args.json:
        args.json.write_text(json.dumps({'weights': args.weights, 'height': args.height, **figures}, indent=2) + '\n')


if __name__ == '__main__':
    main()
