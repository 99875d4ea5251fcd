"""The pictures show the figures; how they look is for eyes."""

from __future__ import annotations

import pytest

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
pytest.importorskip('matplotlib', reason='the pictures need matplotlib: pip install matplotlib')
from mpn_ros.errors import ParameterError
from mpn_ros.evaluation.coco_eval import collect
from mpn_ros.evaluation.plots import draw_losses, draw_precision_recall, write_plots
from mpn_ros.evaluation.precision_recall import Losses, precision_recall
from mpn_ros.media import read_image


@pytest.fixture
def answers(small_dataset):
    return collect(small_dataset.oracle, small_dataset.images, small_dataset.annotations)


def test_writes_a_picture_for_each_and_one_of_the_losses(answers, tmp_path):
    paths = write_plots(answers, tmp_path / 'new' / 'plots')
    names = ['keypoints_precision_recall.png', 'bbox_precision_recall.png', 'losses.png']
    assert [path.name for path in paths] == names
    assert all(read_image(path).std() > 0 for path in paths)


def test_a_panel_for_each_size_with_truth_and_a_curve_for_each_threshold(answers):
    figure = draw_precision_recall(precision_recall(answers.bbox), 'bbox')
    assert [panel.get_title() for panel in figure.axes] == [
        'person boxes, all',
        'person boxes, medium',
        'person boxes, large',
    ]
    for panel in figure.axes:
        labels = [line.get_label() for line in panel.get_lines()]
        assert len(labels) == 11 and labels[0] == '0.50: 100.0' and labels[-1] == 'mean: 100.0'


def test_a_bar_is_the_sum_of_its_losses():
    figure = draw_losses({'keypoints': {'all': Losses(0.4, 0.3, 0.1, 0.05, 0.15)}})
    lengths = [bar.get_width() for bar in figure.axes[0].patches]
    assert lengths == pytest.approx([40, 30, 10, 5, 15])
    assert [bar.get_x() for bar in figure.axes[0].patches] == pytest.approx([0, 40, 70, 80, 85])


def test_a_folder_that_cannot_be_made_is_named(answers, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ParameterError, match=r'--plots .*file.plots cannot be written'):
        write_plots(answers, tmp_path / 'file' / 'plots')
