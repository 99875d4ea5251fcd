"""BatchNorm that costs nothing: where it follows a convolution it becomes part of that convolution's weights."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batchnorm(network: nn.Module) -> None:
    """Folds, in place, each BatchNorm that stands right behind a convolution among its parent's children, as they do in
    the backbones. Those of the detector stay: the levels share the convolutions and have norms of their own.

    The network must be in eval mode.
    """
    for parent in network.modules():
        children = list(parent.named_children())
        for (conv_name, conv), (norm_name, norm) in zip(children, children[1:]):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                parent.register_module(conv_name, fuse_conv_bn_eval(conv, norm))
                parent.register_module(norm_name, nn.Identity())
