"""The graph's ends: normalisation, peaks, boxes."""

import numpy as np
import pytest
import torch

from mpn_ros.inference_graph import InferenceGraph, find_peaks
from mpn_ros.network.anchors import PER_CELL, encode_boxes, make_anchors
from mpn_ros.network.multiposenet import MultiPoseNet, NetworkOutput
from mpn_ros.presets import KeypointHeadConfig, preset
from mpn_ros.raw_detections import BOXES, PEAKS


def gaussian(height, width, x, y, sigma=1.5, top=1.0):
    rows, columns = np.mgrid[:height, :width]
    return top * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))


@pytest.mark.parametrize(('x', 'y'), [(10.0, 7.0), (10.3, 7.0), (9.75, 6.6), (0.0, 0.0), (23.4, 15.2)])
def test_a_gaussian_peak_is_found_to_a_hundredth_of_a_cell(x, y):
    heatmap = torch.from_numpy(gaussian(16, 24, x, y)).float()[None, None]
    found = find_peaks(heatmap)[0, 0, 0].numpy()
    # At the border the outer neighbour is unknown, so the peak may be up to half a cell off across it.
    tolerance = np.where([x < 1 or x > 22, y < 1 or y > 14], 2.0, 0.05)
    assert (np.abs(found[:2] - [(x + 0.5) * 4 - 0.5, (y + 0.5) * 4 - 0.5]) <= tolerance).all()
    assert found[2] == pytest.approx(heatmap.max().item())


def test_peaks_come_best_first_and_unused_rows_score_nothing():
    heatmap = torch.from_numpy(np.maximum(gaussian(32, 32, 5, 5, top=0.5), gaussian(32, 32, 20, 21, top=0.9))).float()[
        None, None
    ]
    peaks = find_peaks(heatmap)[0, 0]
    assert peaks.shape == (PEAKS, 3)
    assert peaks[:2, 2].tolist() == pytest.approx([0.9, 0.5]) and peaks[2:, 2].max() == 0
    assert peaks[0, :2].tolist() == pytest.approx([81.5, 85.5], abs=0.1)


def test_an_empty_heatmap_has_no_peak():
    assert find_peaks(torch.zeros(1, 17, 16, 16))[..., 2].max() == 0


@pytest.mark.parametrize(('x', 'y'), [(10.5, 12.0), (10.0, 12.5), (10.5, 12.5)])
def test_a_peak_between_cells_is_one_peak(x, y):
    peaks = find_peaks(torch.from_numpy(gaussian(24, 24, x, y)).float()[None, None])[0, 0]
    assert (peaks[:, 2] > 0.1).sum() == 1
    np.testing.assert_allclose(peaks[0, :2], [(x + 0.5) * 4 - 0.5, (y + 0.5) * 4 - 0.5], atol=0.05)


def test_a_linear_head_may_overshoot_without_losing_its_peak():
    peaks = find_peaks(torch.from_numpy(gaussian(24, 24, 10.3, 12, top=1.4)).float()[None, None])[0, 0]
    assert peaks[0].tolist() == pytest.approx([42.7, 49.5, 1], abs=0.1) and (peaks[1:, 2] == 0).all()


class Scripted(torch.nn.Module):
    """A network that answers what it was told and remembers what it was given."""

    def __init__(self, output, name='lite'):
        super().__init__()
        real = MultiPoseNet(preset(name))
        self.preset, self.keypoint_head, self.anchor_strides, self.output = (
            real.preset,
            real.keypoint_head,
            real.anchor_strides,
            output,
        )

    def forward(self, images):
        self.seen = images
        return self.output


FIRST_ANCHOR = 100  # the second of its cell


def scripted_output(height, width, boxes=(), scores=()):
    anchors = make_anchors(height, width)
    logits, offsets = torch.full((1, len(anchors)), -9.0), torch.zeros(1, len(anchors), 4)
    for index, (box, score) in enumerate(zip(boxes, scores)):
        anchor = FIRST_ANCHOR + PER_CELL * index
        logits[0, anchor] = torch.logit(torch.tensor(score))
        offsets[0, anchor] = encode_boxes(torch.tensor(box), anchors[anchor])
    return NetworkOutput(torch.full((1, 18, height // 4, width // 4), -9.0), (), logits, offsets)


def test_boxes_are_decoded_and_sorted():
    network = Scripted(scripted_output(64, 96, [(1.0, 2.0, 30.0, 60.0), (40.0, 5.0, 90.0, 50.0)], [0.6, 0.9]))
    seen = InferenceGraph(network, 64, 96)(torch.zeros(1, 64, 96, 3, dtype=torch.uint8))
    cells = 8 * 12 + 4 * 6 + 2 * 3 + 1 * 2 + 1
    assert seen.boxes.shape == (1, min(BOXES, cells), 5)
    np.testing.assert_allclose(seen.boxes[0, :2], [[40, 5, 90, 50, 0.9], [1, 2, 30, 60, 0.6]], rtol=1e-4)
    assert seen.person.shape == (1, 16, 24) and seen.peaks.shape == (1, 17, PEAKS, 3)


def test_of_the_anchors_of_a_cell_only_the_best_counts():
    output = scripted_output(64, 96, [(1.0, 2.0, 30.0, 60.0), (40.0, 5.0, 90.0, 50.0)], [0.6, 0.9])
    output.class_logits[0, FIRST_ANCHOR + 1] = output.class_logits[0, FIRST_ANCHOR] - 0.1
    seen = InferenceGraph(Scripted(output), 64, 96)(torch.zeros(1, 64, 96, 3, dtype=torch.uint8))
    assert (seen.boxes[0, :, 4] > 0.5).sum() == 2


def test_pixels_are_normalised_as_the_preset_says():
    network = Scripted(scripted_output(32, 32), 'r50')
    image = torch.tensor([124, 116, 104], dtype=torch.uint8).expand(1, 32, 32, 3)
    network.keypoint_head.config = KeypointHeadConfig()
    InferenceGraph(network, 32, 32)(image)
    want = (np.array([124, 116, 104]) - network.preset.preprocessing.mean) / network.preset.preprocessing.std
    np.testing.assert_allclose(network.seen[0, :, 3, 4], want, rtol=1e-5)


@pytest.mark.parametrize('shape', [(64, 90), (0, 32)])
def test_sizes_that_the_network_cannot_take_are_refused(shape):
    with pytest.raises(ValueError, match='multiples of 32'):
        InferenceGraph(Scripted(scripted_output(32, 32)), *shape)


def test_the_last_channel_is_the_person_map():
    output = scripted_output(32, 32)
    heatmaps = output.heatmaps.clone()
    heatmaps[0, 17, 2:4, 1] = 9.0
    seen = InferenceGraph(Scripted(output._replace(heatmaps=heatmaps)), 32, 32)(
        torch.zeros(1, 32, 32, 3, dtype=torch.uint8)
    )
    assert (seen.person > 0.5).nonzero().tolist() == [[0, 2, 1], [0, 3, 1]]
