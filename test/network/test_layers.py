"""What the subnets share."""

from __future__ import annotations

import pytest
import torch

from mpn_ros.network.layers import Normalise, concat_conv, conv3x3
from mpn_ros.presets import Preprocessing


@pytest.mark.parametrize('separable', [False, True])
@pytest.mark.parametrize('bias', [False, True])
def test_the_convolution_of_parts_is_that_of_their_concatenation(separable, bias):
    torch.manual_seed(0)
    conv = conv3x3(12, 5, separable=separable, bias=bias)
    parts = [torch.randn(2, channels, 6, 7) for channels in (4, 6, 2)]
    torch.testing.assert_close(concat_conv(conv, parts), conv(torch.cat(parts, 1)))


def test_pixels_are_normalised_by_channel():
    images = torch.tensor([[[[10, 20, 30], [16, 20, 34]]]], dtype=torch.uint8)
    found = Normalise(Preprocessing((10.0, 20.0, 30.0), (2.0, 1.0, 4.0)))(images)
    assert found.shape == (1, 3, 1, 2) and found[0, :, 0].tolist() == [[0, 3], [0, 0], [0, 1]]
