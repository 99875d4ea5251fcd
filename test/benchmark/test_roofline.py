"""What the device could do at best."""

from __future__ import annotations

import pytest
import torch

from mpn_ros.benchmark import roofline
from mpn_ros.network.cost import block_costs
from mpn_ros.presets import PRESETS


def test_the_floor_is_the_slower_of_computing_and_reading() -> None:
    device = roofline.Device(operations=200.0, bytes=10.0)
    assert device.floor(multiply_adds=300, weights=10) == 3
    assert device.floor(multiply_adds=100, weights=50) == 5


def test_more_than_nothing_is_measured() -> None:
    device = roofline.measure(torch.device('cpu'), torch.float32)
    assert device.operations > 1e8 and device.bytes > 1e7


def test_multiply_adds_grow_with_the_area() -> None:
    small, large = (
        sum(cost.multiply_adds for cost in block_costs(PRESETS['lite'], 128, width).values()) - 2 * 28 * 18 * 17 * 192
        for width in (128, 256)
    )
    assert large == pytest.approx(2 * small, rel=0.01)
