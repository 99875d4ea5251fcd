"""``mpn infer``: good inputs are worked through whatever stands beside them, and nothing that was there is lost."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from mpn_ros.cli import main
from mpn_ros.commands import infer
from mpn_ros.commands.infer_inputs import Source, output_stems
from mpn_ros.files import unfinished_path
from mpn_ros.media import VideoFrame, VideoReader, VideoWriter, read_image, write_image
from mpn_ros.media.live import LiveReader
from mpn_ros.pipeline.letterbox import check_image
from mpn_ros.result import Person, PoseResult
from mpn_ros.skeleton import COCO

ROOT = Path(__file__).resolve().parents[2]


def somebody(image: np.ndarray, channel_order: str = 'rgb') -> PoseResult:
    """A pipeline that sees one person, with one keypoint, wherever it looks."""
    assert channel_order == 'bgr'
    height, width = image.shape[:2]
    keypoints = np.full((17, 3), (np.nan, np.nan, 0), np.float32)
    keypoints[0] = width / 2, height / 2, 0.75
    person = Person(np.array([0, 0, width, height], np.float32), 0.5, keypoints)
    return PoseResult((person,), np.full((height, width), 255, np.uint8))


somebody.layout = COCO  # type: ignore[attr-defined]  # as a PosePipeline has it


@pytest.fixture(autouse=True)
def pipeline(monkeypatch):
    monkeypatch.setattr(infer, 'make_pipeline', lambda args: somebody)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    write_image(tmp_path / 'picture.png', np.full((60, 80, 3), 90, np.uint8))
    return tmp_path / 'picture.png'


def clip(path: Path, frames: int = 5) -> Path:
    with VideoWriter(path, 25, 80, 60) as video:
        for index in range(frames):
            video.write(np.full((60, 80, 3), 20 * index, np.uint8))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_picture_gets_an_overlay_and_its_people(picture, tmp_path):
    assert main(['infer', str(picture), '--out', str(tmp_path / 'out')]) == 0
    assert names(tmp_path / 'out') == ['picture.json', 'picture_overlay.jpg']
    content = json.loads((tmp_path / 'out' / 'picture.json').read_text())
    (frame,) = content['frames']
    assert (content['width'], content['height'], frame['index'], frame['time']) == (80, 60, 0, 0)
    assert frame['people'][0]['id'] is None
    assert frame['people'][0]['keypoints'] == [[40, 30, 0.75]] + [None] * 16
    assert frame['mask'] == {'size': [60, 80], 'counts': [0, 4800]}
    overlay = read_image(tmp_path / 'out' / 'picture_overlay.jpg')
    assert overlay.shape == (60, 80, 3)
    assert np.abs(overlay.astype(int) - 90).max() > 60


def test_a_video_gets_an_overlay_of_every_frame(tmp_path):
    assert main(['infer', str(clip(tmp_path / 'clip.mp4')), '--out', str(tmp_path / 'out')]) == 0
    assert names(tmp_path / 'out') == ['clip.json', 'clip_overlay.mp4']
    content = json.loads((tmp_path / 'out' / 'clip.json').read_text())
    assert [frame['index'] for frame in content['frames']] == list(range(5))
    assert [frame['people'][0]['id'] for frame in content['frames']] == [1] * 5
    assert [frame['time'] for frame in content['frames']] == pytest.approx(
        [index / 25 for index in range(5)], abs=0.002
    )
    with VideoReader(tmp_path / 'out' / 'clip_overlay.mp4') as overlay:
        assert (overlay.width, overlay.height, overlay.fps, len(list(overlay))) == (80, 60, 25, 5)


def test_json_only(picture, tmp_path):
    video = clip(tmp_path / 'clip.mp4')
    assert main(['infer', str(picture), str(video), '--out', str(tmp_path / 'out'), '--json-only']) == 0
    assert names(tmp_path / 'out') == ['clip.json', 'picture.json']


def test_bad_inputs_cost_a_sentence_each_and_nothing_else(picture, tmp_path, capsys):
    (tmp_path / 'notes.txt').write_text('no picture')
    (tmp_path / 'broken.mp4').write_bytes(clip(tmp_path / 'whole.mp4').read_bytes()[:-100])
    bad = [str(tmp_path / name) for name in ('gone.jpg', 'notes.txt', 'broken.mp4')]
    status = main(['infer', *bad, str(picture), '--out', str(tmp_path / 'out')])
    assert status == 2
    assert names(tmp_path / 'out') == ['picture.json', 'picture_overlay.jpg']
    sentences = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(sentences) == 3
    for sentence, name in zip(sentences, ('gone.jpg', 'notes.txt', 'broken.mp4'), strict=True):
        assert sentence.startswith('mpn infer: ') and name in sentence


def test_a_video_that_is_cut_off_keeps_what_could_be_decoded(tmp_path, capsys):
    path = tmp_path / 'cut.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25, (80, 60))
    for picture in np.random.default_rng(0).integers(0, 256, (20, 60, 80, 3), np.uint8):
        writer.write(picture)
    writer.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert main(['infer', str(path), '--out', str(tmp_path / 'out')]) == 2
    assert 'cut.avi is cut off: ' in capsys.readouterr().err
    frames = json.loads((tmp_path / 'out' / 'cut.json').read_text())['frames']
    assert 5 < len(frames) < 15
    with VideoReader(tmp_path / 'out' / 'cut_overlay.mp4') as overlay:
        assert len(list(overlay)) == len(frames)


def test_two_inputs_of_one_name_do_not_collide(tmp_path):
    for folder, grey in (('a', 50), ('b', 200)):
        (tmp_path / folder).mkdir()
        write_image(tmp_path / folder / 'same.png', np.full((60, 80, 3), grey, np.uint8))
    inputs = [str(tmp_path / folder / 'same.png') for folder in ('a', 'b')]
    assert main(['infer', *inputs, '--out', str(tmp_path / 'out')]) == 0
    assert names(tmp_path / 'out') == ['same.json', 'same_2.json', 'same_2_overlay.jpg', 'same_overlay.jpg']
    assert json.loads((tmp_path / 'out' / 'same_2.json').read_text())['source'].endswith('b/same.png')


def test_pictures_of_one_shape_are_answered_together(tmp_path, monkeypatch):
    sizes = [(80, 60), (60, 80), (80, 40), (80, 60), (60, 80), (160, 120)]
    for number, (width, height) in enumerate(sizes):
        write_image(tmp_path / f'{number}.png', np.zeros((height, width, 3), np.uint8))
    ratios = []

    def noting(image, channel_order='rgb'):
        ratios.append(image.shape[1] / image.shape[0])
        return somebody(image, channel_order)

    noting.layout = COCO
    monkeypatch.setattr(infer, 'make_pipeline', lambda args: noting)
    assert main(['infer', str(tmp_path), '--out', str(tmp_path / 'out'), '--json-only']) == 0
    assert len(ratios) == 6 and ratios == sorted(ratios), 'a shape comes back after another'
    for number, (width, height) in enumerate(sizes):
        content = json.loads((tmp_path / 'out' / f'{number}.json').read_text())
        assert (content['width'], content['height']) == (width, height)


def test_names_that_differ_in_case_alone_do_not_collide(tmp_path):
    sources = [Source(name, Path(name).stem, tmp_path / name) for name in ('Same.png', 'same.jpg', 'same_2.jpg')]
    stems = output_stems(sources, tmp_path / 'out')
    assert stems == ['Same', 'same_2', 'same_2_2']


def test_an_input_is_never_overwritten(picture, tmp_path):
    earlier = tmp_path / 'picture_overlay.jpg'
    write_image(earlier, np.full((60, 80, 3), 30, np.uint8))
    before = earlier.read_bytes()
    assert main(['infer', str(picture), str(earlier), '--out', str(tmp_path)]) == 0
    assert earlier.read_bytes() == before
    assert {'picture_2.json', 'picture_2_overlay.jpg', 'picture_overlay_overlay.jpg'} <= set(names(tmp_path))


def test_names_are_bytes(picture, tmp_path):
    name = os.fsdecode(b'caf\xe9')
    shutil.copy(picture, tmp_path / f'{name}.png')
    clip(tmp_path / 'clip.mp4').rename(tmp_path / f'{name}.mp4')
    out = tmp_path / os.fsdecode(b'\xff')
    assert main(['infer', str(tmp_path / f'{name}.png'), str(tmp_path / f'{name}.mp4'), '--out', str(out)]) == 0
    assert sorted(os.listdir(os.fsencode(out))) == [
        b'caf\xe9.json',
        b'caf\xe9_2.json',
        b'caf\xe9_2_overlay.mp4',
        b'caf\xe9_overlay.jpg',
    ]
    content = json.loads((out / f'{name}.json').read_bytes().decode('utf-8'))
    assert content['source'] == f'{tmp_path}/caf\\xe9.png'


@pytest.mark.parametrize(('width', 'height'), [(1, 1), (1, 2), (2, 1), (1, 3000), (3000, 1), (32767, 1)])
def test_all_shapes_are_answered(tmp_path, width, height):
    write_image(tmp_path / 'a.png', np.full((height, width, 3), 90, np.uint8))
    assert main(['infer', str(tmp_path / 'a.png'), '--out', str(tmp_path / 'out')]) == 0
    assert names(tmp_path / 'out') == ['a.json', 'a_overlay.jpg']


def test_a_side_that_is_too_long_is_told_with_the_file_and_costs_no_other(picture, tmp_path, monkeypatch, capsys):
    def narrow(image, channel_order):
        check_image(image)
        return somebody(image, channel_order)

    narrow.layout = COCO
    monkeypatch.setattr(infer, 'make_pipeline', lambda args: narrow)
    write_image(tmp_path / 'panorama.png', np.zeros((2, 40000, 3), np.uint8))
    assert main(['infer', str(tmp_path / 'panorama.png'), str(picture), '--out', str(tmp_path / 'out')]) == 2
    assert f'{tmp_path}/panorama.png: an image of 40000x2 pixels cannot be used' in capsys.readouterr().err
    assert names(tmp_path / 'out') == ['picture.json', 'picture_overlay.jpg']


def test_a_library_that_does_not_bear_an_image_costs_a_sentence(picture, tmp_path, monkeypatch, capsys):
    def fragile(image, channel_order):
        raise cv2.error('OpenCV: a reason\n over two lines')

    fragile.layout = COCO
    monkeypatch.setattr(infer, 'make_pipeline', lambda args: fragile)
    assert main(['infer', str(picture), '--out', str(tmp_path / 'out')]) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith('cannot be worked on: OpenCV: a reason over two lines')
    assert names(tmp_path / 'out') == []


def test_a_full_disk_is_a_sentence_for_each_file_and_leaves_nothing(picture, tmp_path):
    """The limit on the size of files stands for the disk."""
    code = (
        'import resource, signal, sys\n'
        'from mpn_ros import cli\nfrom mpn_ros.commands import infer\n'
        'from mpn_ros.result import PoseResult\nfrom mpn_ros.skeleton import COCO\n'
        'def pipeline(image, channel_order):\n    return PoseResult((), image[..., 0])\n'
        'pipeline.layout, pipeline.segments = COCO, True\ninfer.make_pipeline = lambda args: pipeline\n'
        'signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n'
        'sys.exit(cli.main(sys.argv[1:]))'
    )
    inputs = [str(picture), str(clip(tmp_path / 'clip.mp4'))]
    done = subprocess.run(
        [sys.executable, '-c', code, 'infer', *inputs, '--out', str(tmp_path / 'out')],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 2 and all(path in line and 'cannot be written' in line for path, line in zip(inputs, lines))
    assert names(tmp_path / 'out') == []


def test_a_picture_that_is_cut_off_is_answered_and_told(tmp_path, capsys):
    data = cv2.imencode('.jpg', np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))[1].tobytes()
    (tmp_path / 'cut.jpg').write_bytes(data[: len(data) // 2])
    assert main(['infer', str(tmp_path / 'cut.jpg'), '--out', str(tmp_path / 'out')]) == 2
    assert 'cut.jpg is cut off' in capsys.readouterr().err
    assert names(tmp_path / 'out') == ['cut.json', 'cut_overlay.jpg']


def test_an_overlay_keeps_the_time_of_uneven_frames(tmp_path):
    pictures = [Image.fromarray(np.full((60, 80, 3), 60 * index, np.uint8)) for index in range(4)]
    pictures[0].save(tmp_path / 'dance.gif', save_all=True, append_images=pictures[1:], duration=[100, 400, 100, 200])
    assert main(['infer', str(tmp_path / 'dance.gif'), '--out', str(tmp_path / 'out')]) == 0
    content = json.loads((tmp_path / 'out' / 'dance.json').read_text())
    assert [frame['time'] for frame in content['frames']] == pytest.approx([0, 0.1, 0.5, 0.6])
    with VideoReader(tmp_path / 'out' / 'dance_overlay.mp4') as overlay:
        corners = [int(frame.image[-1, 0, 0]) for frame in overlay]
        assert overlay.fps == pytest.approx(10)
    assert len(corners) == 7 and len(set(np.round(np.array(corners[1:5]) / 8))) == 1, 'the second stays for 0.4 s'


def test_folders_patterns_and_standard_input(tmp_path, monkeypatch):
    folder = tmp_path / 'photos'
    (folder / 'below').mkdir(parents=True)
    for name in ('b.png', 'a.jpg', '.hidden.png', 'below/c.png'):
        write_image(folder / name, np.full((60, 80, 3), 90, np.uint8))
    (folder / 'notes.txt').write_text('no picture')
    monkeypatch.setattr('sys.stdin', SimpleNamespace(buffer=io.BytesIO((folder / 'b.png').read_bytes())))
    inputs = [str(folder), str(folder / '**' / 'c.*'), '-']
    assert main(['infer', *inputs, '--out', str(folder)]) == 0
    results = {
        'a.json',
        'a_overlay.jpg',
        'b.json',
        'b_overlay.jpg',
        'c.json',
        'c_overlay.jpg',
        'stdin.json',
        'stdin_overlay.jpg',
    }
    assert results == set(names(folder)) - {'.hidden.png', 'a.jpg', 'b.png', 'below', 'notes.txt'}
    assert main(['infer', str(folder), '--out', str(folder)]) == 0
    assert not {'a_overlay.json', 'a_overlay_overlay.jpg'} & set(names(folder)), 'overlays are no input'


def test_a_damaged_standard_input_is_called_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('sys.stdin', SimpleNamespace(buffer=io.BytesIO(b'no picture at all')))
    assert main(['infer', '-', '--out', str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert 'mpn infer: standard input ' in told and '/stdin' not in told


def test_a_standard_input_that_is_closed_is_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('sys.stdin', None)
    assert main(['infer', '-', '--out', str(tmp_path)]) == 2
    assert capsys.readouterr().err == 'mpn infer: standard input is closed\n'


@pytest.mark.parametrize(
    ('word', 'sentence'),
    [
        ('{}/none*.jpg', "no file is named as '"),
        ('{}/empty', 'is a folder without pictures and videos'),
        ('ftp://robot/a.jpg', 'ftp://robot/a.jpg is an address that cannot be read; there are rtsp'),
        ('/dev/video99', '/dev/video99 cannot be opened, or shows nothing'),
        ('{}/pipe', 'pipe is not a file'),
        ('{}', 'is a folder without pictures'),
    ],
)
def test_what_is_no_input_costs_a_sentence(tmp_path, capsys, word, sentence):
    (tmp_path / 'empty').mkdir()
    os.mkfifo(tmp_path / 'pipe')
    assert main(['infer', word.format(tmp_path), '--out', str(tmp_path.parent / f'{tmp_path.name}_out')]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count('\n') == 1


def test_ctrl_c_ends_a_camera_with_whole_files(tmp_path, monkeypatch):
    camera = LiveReader.__new__(LiveReader)
    camera.width, camera.height, camera.fps = 80, 60, 10.0
    camera._capture = SimpleNamespace(release=lambda: None)

    def frames(self):
        for index in range(5):
            yield VideoFrame(index, index / 10, np.full((60, 80, 3), 90, np.uint8))
        raise KeyboardInterrupt

    monkeypatch.setattr(LiveReader, '__iter__', frames)
    monkeypatch.setattr(infer, 'LiveReader', lambda name: camera)
    assert main(['infer', 'rtsp://user:secret@robot:554/street', '--out', str(tmp_path)]) == 0
    assert names(tmp_path) == ['rtsp_robot_554_street.json', 'rtsp_robot_554_street_overlay.mp4']
    content = json.loads((tmp_path / 'rtsp_robot_554_street.json').read_text())
    assert len(content['frames']) == 5 and 'secret' not in content['source']


def test_ctrl_c_in_a_file_leaves_nothing_of_it(picture, tmp_path, monkeypatch):
    calls = []

    def interrupted(image, channel_order):
        calls.append(image)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return somebody(image, channel_order)

    interrupted.layout = COCO
    monkeypatch.setattr(infer, 'make_pipeline', lambda args: interrupted)
    assert main(['infer', str(picture), str(clip(tmp_path / 'clip.mp4')), '--out', str(tmp_path / 'out')]) == 130
    assert names(tmp_path / 'out') == ['picture.json', 'picture_overlay.jpg']


def test_a_folder_that_cannot_be_made_is_said(picture, capsys):
    assert main(['infer', str(picture), '--out', str(picture / 'out')]) == 2
    assert capsys.readouterr().err.startswith('mpn infer: --out ')


def test_results_that_cannot_be_written_are_said(picture, tmp_path, capsys):
    unfinished_path(tmp_path / 'out' / 'picture.json').mkdir(parents=True)
    assert main(['infer', str(picture), '--out', str(tmp_path / 'out')]) == 2
    assert 'the results of' in capsys.readouterr().err
