"""Messages of one moment find each other by stamp, in whichever order they come, and by arrival where stamps cannot
tell."""

from __future__ import annotations

import pytest

from mpn_ros.serving.synchronizer import StampSynchronizer

TOLERANCE = 0.02


def ns(seconds: float) -> int:
    return round(seconds * 1e9)


class Depth:
    """Results that look for a depth image; each is called by its stamp, and each received when it was made, but for
    ``received``."""

    def __init__(self, **options):
        self.synchronizer = StampSynchronizer(['depth'], **options)

    def result(self, stamp, received=None, tolerance=TOLERANCE):
        return self._told(
            self.synchronizer.add(received or stamp, ns(stamp), stamp if received is None else received, tolerance)
        )

    def depth(self, stamp, received=None):
        return self._told(
            self.synchronizer.add_part('depth', received or stamp, ns(stamp), stamp if received is None else received)
        )

    def _told(self, matches):
        """Which result has which depth image, or none."""
        self.by_arrival = [match.by_arrival for match in matches]
        return {match.message: match.parts.get('depth') for match in matches}


@pytest.fixture
def depth() -> Depth:
    return Depth()


def test_the_nearest_is_taken(depth):
    for stamp in (100.0, 100.033, 100.066, 100.099):
        assert depth.depth(stamp) == {}
    assert depth.result(100.070) == {100.070: 100.066} and depth.by_arrival == [False]


@pytest.mark.parametrize('stamps, nearest', [((99.985, 99.999, 100.03), 99.999), ((99.985, 100.005, 100.038), 100.005)])
def test_of_those_that_come_later_the_nearest_is_taken_and_not_the_first(depth, stamps, nearest):
    assert depth.result(100.0) == {}
    told = [depth.depth(stamp) for stamp in stamps]
    assert [each for each in told if each] == [{100.0: nearest}]


def test_the_same_stamp_need_not_wait_for_what_comes_after(depth):
    depth.depth(99.99)
    depth.depth(100.0)
    assert depth.result(100.0) == {100.0: 100.0}
    assert depth.result(100.1) == {}
    assert depth.depth(100.1) == {100.1: 100.1}


def test_a_result_that_the_next_one_overtakes_has_what_there_is(depth):
    depth.result(100.0)
    assert depth.result(100.1) == {100.0: None}
    assert depth.depth(100.09) == {}
    assert depth.result(100.2) == {100.1: 100.09}


def test_one_of_another_moment_belongs_to_nobody(depth):
    depth.depth(100.0)
    assert depth.result(100.021) == {}
    assert depth.depth(100.042) == {}
    assert depth.result(100.1) == {100.021: None}


def test_each_result_has_its_own_tolerance(depth):
    depth.depth(100.0)
    depth.depth(100.2)
    assert depth.result(100.05, tolerance=0.1) == {100.05: 100.0}
    assert depth.result(100.05, tolerance=0.01) == {}


def test_time_may_go_back(depth):
    """A bag that begins again."""
    depth.depth(500.0)
    assert depth.result(501.0) == {}
    assert depth.depth(100.0) == {}
    assert depth.result(100.0) == {501.0: None, 100.0: 100.0}


def test_neighbours_that_are_swapped_find_theirs(depth):
    for stamp in (100.0, 100.033, 100.066):
        depth.depth(stamp)
    assert depth.result(100.033) == {100.033: 100.033}
    assert depth.result(100.0) == {100.0: 100.0}


@pytest.mark.parametrize(
    'image_stamp, depth_stamp',
    [(0.0, 0.0), (7.0, 7.0), (0.0, None), (7.0, None), (None, 0.0), (None, 7.0)],
    ids=['both zero', 'both stand', 'images zero', 'images stand', 'depth zero', 'depth stands'],
)
def test_where_stamps_cannot_tell_what_came_nearest_belongs_together(depth, image_stamp, depth_stamp):
    told = []
    for step in range(40):
        now = 100 + step / 10
        told.append(depth.depth(now if depth_stamp is None else depth_stamp, now + 0.004))
        told.append(depth.result(now if image_stamp is None else image_stamp, now))
    pairs = {result: image for each in told for result, image in each.items()}
    assert len(pairs) >= 39
    late = {result: image for result, image in pairs.items() if result > 100.15}
    assert all(image == pytest.approx(result + 0.004) for result, image in late.items()), 'depth of another moment'
    assert depth.by_arrival == [True]


def test_where_stamps_cannot_tell_what_came_at_another_time_belongs_to_nobody(depth):
    for step in range(10):
        depth.depth(0.0, 100 + step / 10)
    assert depth.result(0.0, 102.0) == {}
    assert depth.result(0.0, 103.0) == {102.0: None}


def test_stamps_that_tell_again_are_believed_again(depth):
    for stamp in (0.0, 0.0):
        depth.depth(stamp, 1.0)
    depth.depth(100.0, 5.0)
    assert depth.result(100.0, 4.0) == {4.0: 5.0} and depth.by_arrival == [False]


def test_no_more_than_the_newest_are_kept():
    depth = Depth(kept=5)
    for number in range(1, 100):
        depth.depth(float(number))
    assert len(depth.synchronizer._streams['depth'].messages) == 5
    assert depth.result(94.0) == {} and depth.result(95.0) == {94.0: None, 95.0: 95.0}


@pytest.fixture
def page():
    """``page(stream, stamp)``: a message called so has come; what is shown now."""
    synchronizer = StampSynchronizer(['image'], ['mask'], kept=16, waiting=16)

    def take(stream, stamp):
        message = f'{stream} {stamp}'
        matches = (
            synchronizer.add(message, stamp) if stream == 'skeletons' else synchronizer.add_part(stream, message, stamp)
        )
        return {**matches[-1].parts, 'skeletons': matches[-1].message} if matches else None

    return take


@pytest.mark.parametrize(
    'order', [('image', 'skeletons', 'mask'), ('mask', 'skeletons', 'image'), ('skeletons', 'mask', 'image')]
)
def test_three_of_one_stamp_come_together_whatever_the_order(page, order):
    assert [page(stream, 7) for stream in order[:2]] == [None, None]
    assert page(order[2], 7) == {stream: f'{stream} 7' for stream in order}


def test_without_optional_parts_a_message_comes_with_the_next(page):
    for stamp in (1, 2):
        page('image', stamp)
    assert page('skeletons', 1) is None
    assert page('skeletons', 2) == {'image': 'image 1', 'skeletons': 'skeletons 1'}


def test_required_parts_may_come_later_than_the_next_message(page):
    for stamp in (1, 2, 3):
        page('skeletons', stamp)
        page('mask', stamp)
    assert page('image', 1) == {'image': 'image 1', 'skeletons': 'skeletons 1', 'mask': 'mask 1'}


def test_a_new_round_of_stamps_is_joined_as_the_first(page):
    for stamp in (100, 101, 5):
        page('image', stamp)
        page('skeletons', stamp)
        assert page('mask', stamp) == {stream: f'{stream} {stamp}' for stream in ('image', 'skeletons', 'mask')}


def test_what_was_never_answered_fills_no_memory(page):
    for stamp in range(1, 2000):
        page('image', stamp)
    page('skeletons', 1984)
    assert page('mask', 1984)['image'] == 'image 1984'
    page('skeletons', 1500)
    assert page('mask', 1500) is None


def test_stamps_that_are_zero_show_the_newest(page):
    for number in range(3):
        page('image', 0)
        page('mask', 0)
        assert page('skeletons', 0) is not None, number
