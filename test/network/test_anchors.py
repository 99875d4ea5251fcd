"""Anchors: places, sizes, and boxes that survive being coded."""

import pytest
import torch

from mpn_ros.network.anchors import PER_CELL, box_iou, decode_boxes, encode_boxes, make_anchors


def test_anchors_stand_on_the_middle_of_their_cells_with_the_stated_sizes():
    anchors = make_anchors(64, 96)
    assert len(anchors) == PER_CELL * (8 * 12 + 4 * 6 + 2 * 3 + 1 * 2 + 1 * 1)
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2
    torch.testing.assert_close(
        centre[[0, PER_CELL, 12 * PER_CELL]], torch.tensor([[4.0, 4.0], [12.0, 4.0], [4.0, 12.0]])
    )
    size = anchors[:, 2:] - anchors[:, :2]
    first = size[:PER_CELL]
    assert first[3].tolist() == pytest.approx([32, 32])  # ratio 1, scale 1, in the order ratio by scale
    assert (first[0, 1] / first[0, 0]).item() == pytest.approx(0.5) and (
        first[6, 1] / first[6, 0]
    ).item() == pytest.approx(2)
    assert (first[5].prod() / first[3].prod()).sqrt().item() == pytest.approx(2 ** (2 / 3))
    assert size[-PER_CELL:][3].tolist() == pytest.approx([512, 512])


def test_levels_that_do_not_divide_the_input_are_rounded_up():
    assert len(make_anchors(96, 96)) == PER_CELL * (12**2 + 6**2 + 3**2 + 2**2 + 1)


def test_coding_a_box_and_decoding_it_gives_the_box():
    anchors = make_anchors(128, 128)
    boxes = anchors + torch.randn(anchors.shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(decode_boxes(encode_boxes(boxes, anchors), anchors), boxes, rtol=1e-4, atol=1e-3)


def test_a_wild_offset_stays_finite():
    anchors = make_anchors(32, 32)[:1]
    assert decode_boxes(torch.tensor([[0.0, 0.0, 1e6, 1e6]]), anchors).isfinite().all()


def test_iou_of_known_boxes():
    a = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 0.0, 0.0]])
    b = torch.tensor([[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
    torch.testing.assert_close(box_iou(a, b), torch.tensor([[1.0, 1 / 3, 0.0], [0.0, 0.0, 0.0]]))


@pytest.mark.filterwarnings('ignore')  # of the tracer
def test_anchors_of_a_traced_size_are_those_of_any_size():
    traced = torch.jit.trace(lambda image: make_anchors(image.shape[0], image.shape[1]), torch.zeros(64, 128))
    for height, width in (32, 32), (96, 160), (192, 128):  # with levels that are rounded up
        assert torch.equal(traced(torch.zeros(height, width)), make_anchors(height, width))
