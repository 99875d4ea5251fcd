"""Surfaces in a window of a depth image: told apart, never mixed, never read outside of the image."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.depth.depth_clusters import find_depth_clusters


def at(depth, x, y, radius=3.0):
    """The surfaces around one pixel."""
    found = find_depth_clusters(np.asarray(depth), np.array([[x, y]], float), np.array([radius]))
    return [values[0] for values in found]


def edge(near: float, far: float, column: int) -> np.ndarray:
    depth = np.full((40, 40), far, np.float32)
    depth[:, :column] = near
    return depth


@pytest.mark.parametrize('column', [19, 20, 21])
def test_two_surfaces_are_told_apart_wherever_the_edge_runs(column):
    depths, _, shares = at(edge(3, 5, column), 20, 20)
    assert depths[:2] == pytest.approx([3, 5]) and np.isnan(depths[2])
    assert shares[:2].sum() == pytest.approx(1)


def test_a_mean_of_two_surfaces_at_their_edge_is_none():
    """As cameras that interpolate or have long pixels show it."""
    depth = edge(3, 5, 21)
    depth[:, 21] = 4.1
    depths, *_ = at(depth, 20, 20)
    assert depths[:2] == pytest.approx([3, 5])


def test_noise_moves_a_surface_by_less_than_its_own_width():
    noisy = (2 + np.random.default_rng(0).normal(0, 0.01, (40, 40))).astype(np.float32)
    depths, spreads, _ = at(noisy, 20, 20)
    assert depths[0] == pytest.approx(2, abs=0.01) and np.isnan(depths[1])
    assert spreads[0] == pytest.approx(0.01, rel=0.5)


@pytest.mark.parametrize('nothing', [0, -1, np.nan, np.inf])
def test_what_is_no_measurement_is_passed_over(nothing):
    depth = edge(3, 5, 30)
    depth[::2] = nothing
    assert at(depth, 20, 20)[0][0] == pytest.approx(3)
    depth[:] = nothing
    assert np.isnan(at(depth, 20, 20)[0]).all()


def test_whole_numbers_are_millimetres():
    assert at(np.full((40, 40), 65535, np.uint16), 20, 20)[0][0] == pytest.approx(65.535)


@pytest.mark.parametrize('x, y', [(0, 0), (39, 39), (-3, 20), (20, 42.5), (-1e9, 1e9), (np.nan, np.nan), (np.inf, 0)])
def test_nothing_is_read_outside_of_the_image(x, y):
    depths, *_ = at(np.full((40, 40), 3, np.float32), x, y)
    assert np.isnan(depths[0]) or depths[0] == pytest.approx(3)
    if not (abs(x) < 50 and abs(y) < 50):
        assert np.isnan(depths).all()
