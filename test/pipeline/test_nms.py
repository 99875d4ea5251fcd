import numpy as np

from mpn_ros.pipeline.nms import nms

BOXES = np.array(
    [[0, 0, 10, 10, 0.9], [1, 0, 11, 10, 0.8], [20, 0, 30, 10, 0.7], [0, 0, 10, 4, 0.6], [50, 50, 60, 60, 0.05]],
    np.float32,
)


def test_the_weaker_of_two_that_overlap_goes():
    kept = nms(BOXES, score_threshold=0.1, iou_threshold=0.5, max_boxes=10)
    np.testing.assert_array_equal(kept, BOXES[[0, 2, 3]])


def test_a_low_limit_of_overlap_takes_more():
    np.testing.assert_array_equal(nms(BOXES, score_threshold=0.1, iou_threshold=0.3, max_boxes=10), BOXES[[0, 2]])


def test_a_suppressed_box_suppresses_nothing():
    chain = np.array(
        [[0, 0, 10, 10, 0.9], [4, 0, 14, 10, 0.8], [8, 0, 18, 10, 0.7]], np.float32
    )  # neighbours share 6/14 and 2/18
    np.testing.assert_array_equal(nms(chain, score_threshold=0, iou_threshold=0.3, max_boxes=10), chain[[0, 2]])


def test_score_and_limit():
    assert len(nms(BOXES, score_threshold=0.65, iou_threshold=1.0, max_boxes=10)) == 3
    assert len(nms(BOXES, score_threshold=0, iou_threshold=1.0, max_boxes=2)) == 2
    assert nms(BOXES[:0], score_threshold=0, iou_threshold=0.5, max_boxes=2).shape == (0, 5)
