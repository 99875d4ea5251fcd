"""The quick gradient is the gradient."""

import pytest
import torch
import torch.nn.functional as F

from mpn_ros.network.depthwise import StridedDepthwise


@pytest.mark.parametrize(('height', 'width'), [(9, 13), (3, 5)])
def test_the_gradients_are_those_of_the_plain_convolution(height, width):
    torch.manual_seed(0)
    x = torch.randn(2, 5, height, width, dtype=torch.float64)
    weight, bias = torch.randn(5, 1, 3, 3, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    gradients = []
    for convolve in (StridedDepthwise.apply, lambda *values: F.conv2d(*values, stride=2, groups=5)):
        values = [value.clone().requires_grad_() for value in (x, weight, bias)]
        output = convolve(*values)
        (output * torch.arange(output.numel()).view_as(output).cos()).sum().backward()
        gradients.append([output, *(value.grad for value in values)])
    for quick, plain in zip(*gradients):
        torch.testing.assert_close(quick, plain)


def test_in_bfloat16_it_errs_as_little_as_the_plain_convolution():
    torch.manual_seed(0)
    x, weight = torch.randn(2, 8, 17, 17), torch.randn(8, 1, 3, 3)
    truth, found = x.clone().requires_grad_(), x.clone().requires_grad_()
    F.conv2d(truth, weight, torch.zeros(8), stride=2, groups=8).square().sum().backward()
    with torch.autocast('cpu', torch.bfloat16):
        StridedDepthwise.apply(found.bfloat16(), weight, torch.zeros(8)).float().square().sum().backward()
    assert (truth.grad - found.grad).abs().max() < 0.02 * truth.grad.abs().max()
