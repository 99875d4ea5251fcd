"""Readers of labelled people: COCO's JSON and the compact .npz say the same, and a wrong file is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mpn_ros.errors import DatasetError
from mpn_ros.training.prn_labels import LabelledPeople, load_people


def three_people() -> LabelledPeople:
    """Two in image 3, one in image 8, whose nose is not labelled."""
    random = np.random.default_rng(0)
    corner = random.uniform(0, 200, (3, 2))
    keypoints = np.concatenate([random.uniform(0, 400, (3, 17, 2)), np.full((3, 17, 1), 2)], -1)
    keypoints[2, 0] = 0
    box = np.concatenate([corner, corner + 100], 1)
    return LabelledPeople(np.array([3, 3, 8]), box.astype(np.float32), keypoints.astype(np.float32))


def coco_json(people: LabelledPeople) -> dict[str, object]:
    images = [{'id': int(i), 'file_name': f'{i}.jpg', 'width': 640, 'height': 480} for i in np.unique(people.image_id)]
    annotations = [
        {
            'id': number,
            'category_id': 1,
            'image_id': int(i),
            'area': 5000.0,
            'iscrowd': 0,
            'bbox': [*map(float, box[:2]), *map(float, box[2:] - box[:2])],
            'keypoints': list(map(float, keypoints.ravel())),
        }
        for number, (i, box, keypoints) in enumerate(zip(people.image_id, people.box, people.keypoints))
    ]
    return {'images': images, 'annotations': annotations, 'categories': [{'id': 1, 'name': 'person'}]}


def test_json_and_npz_say_the_same(tmp_path: Path) -> None:
    people = three_people()
    as_json, as_npz = tmp_path / 'a.json', tmp_path / 'a.npz'
    content = coco_json(people)
    content['annotations'].reverse()
    as_json.write_text(json.dumps(content))
    size = np.float32([640, 480, 640, 480])
    box = np.concatenate([(people.box[:, :2] + people.box[:, 2:]) / 2, people.box[:, 2:] - people.box[:, :2]], 1) / size
    np.savez(
        as_npz,
        image_id=people.image_id,
        image_size=np.tile([640, 480], (3, 1)),
        box=box,
        xy=people.keypoints[..., :2] / (640, 480),
        visibility=people.keypoints[..., 2].astype(np.uint8),
    )
    for found in (load_people(as_json)[np.array([1, 0, 2])], load_people(as_npz)):
        np.testing.assert_array_equal(found.image_id, people.image_id)
        np.testing.assert_allclose(found.box, people.box, atol=1e-3)
        np.testing.assert_allclose(found.keypoints, people.keypoints, atol=1e-3)


def test_crowds_and_people_without_keypoints_are_left_out(tmp_path: Path) -> None:
    content = coco_json(three_people())
    content['annotations'][0]['iscrowd'] = 1
    content['annotations'][2].update(keypoints=[0] * 51)
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    assert len(load_people(path)) == 1


@pytest.mark.parametrize('content', ['', '[]', '{"images": []}', '{"images": [], "annotations": []}'])
def test_a_wrong_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / 'wrong.json'
    path.write_text(content)
    with pytest.raises(DatasetError, match='wrong.json'):
        load_people(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='absent.npz'):
        load_people(tmp_path / 'absent.npz')


def test_another_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'hands.npz'
    np.savez(
        path,
        image_id=[1],
        image_size=[[640, 480]],
        box=[[0.5, 0.5, 1, 1]],
        xy=np.full((1, 21, 2), 0.5),
        visibility=np.full((1, 21), 2),
    )
    with pytest.raises(DatasetError, match='hands.npz.*21 keypoints'):
        load_people(path)


def test_neighbours_are_the_people_of_the_image_oneself_first() -> None:
    assert three_people().neighbours().tolist() == [[0, 1], [1, 0], [2, -1]]


def test_unknown_image_sizes_do_not_matter_to_proportions(tmp_path: Path) -> None:
    path = tmp_path / 'a.npz'
    np.savez(
        path,
        image_id=[1],
        image_size=[[0, 0]],
        box=[[0.5, 0.5, 0.5, 0.5]],
        xy=np.full((1, 17, 2), 0.5),
        visibility=np.full((1, 17), 2),
    )
    people = load_people(path)
    np.testing.assert_allclose(people.keypoints[0, 0, :2], people.box[0].reshape(2, 2).mean(0))
