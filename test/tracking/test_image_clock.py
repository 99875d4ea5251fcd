"""Times that go on, whatever a driver writes into its stamps."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.tracking.image_clock import ImageClock

EPOCH = 1.8e9
"""What a stamp is beside the clock of arrival, which begins with the computer."""


def times(stamps, received):
    clock = ImageClock()
    return np.array([clock.time(stamp, when) for stamp, when in zip(stamps, received, strict=True)])


def test_times_go_as_the_stamps_go_and_not_as_the_images_come():
    made = np.array([0.1, 0.2, 0.3, 0.4])
    assert np.diff(times(EPOCH + made, [50.0, 50.25, 50.26, 50.5])) == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize('missing', range(4))
def test_an_image_without_a_stamp_has_the_time_of_its_arrival(missing):
    made = np.array([0.1, 0.2, 0.3, 0.4])
    stamps = EPOCH + made
    stamps[missing] = 0
    assert np.diff(times(stamps, 50 + made)) == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize('stamp', [0.0, 7.0, EPOCH])
def test_stamps_that_are_zero_or_stand_still_go_by_arrival(stamp):
    assert np.diff(times([stamp] * 4, [50.0, 50.1, 50.2, 50.3])) == pytest.approx(0.1, abs=1e-6)


def test_a_return_to_the_past_is_one():
    told = times([EPOCH, EPOCH + 0.1, EPOCH - 60, EPOCH - 59.9], [50.0, 50.1, 50.2, 50.3])
    assert told[2] - told[1] == pytest.approx(-60.1, abs=1e-6) and told[3] - told[2] == pytest.approx(0.1, abs=1e-6)


def test_swapped_neighbours_stay_in_their_order_of_time():
    told = times([EPOCH, EPOCH + 0.2, EPOCH + 0.1, EPOCH + 0.3], [50.0, 50.1, 50.2, 50.3])
    assert (told.argsort() == [0, 2, 1, 3]).all()
