"""Steps that are relative to what they change."""

import torch
from torch import nn

from mpn_ros.training.relative import RelativeAdamW, gains_of


def moved(rate=0.01):
    """How far each value of a small network moves in the first step, in which Adam moves all by the rate."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2))
    network[0].weight.data[0] = 100
    network[0].weight.data[1] = 0.01
    network[0].bias.data[:] = 0.5
    network[1].weight.data[:] = torch.tensor([0.2, 0.004])
    trained = dict(network.named_parameters())
    before = {name: value.clone() for name, value in trained.items()}
    optimizer = RelativeAdamW([{'params': list(trained.values()), 'lr': rate}], gains_of(network))
    for value in trained.values():
        value.grad = torch.ones_like(value)
    optimizer.step()
    return {name: (before[name] - value).detach() for name, value in trained.items()}


def test_rows_move_by_their_size_and_a_norms_offset_by_its_gain():
    change = moved()
    torch.testing.assert_close(change['0.weight'][0], torch.full((4, 1, 1), 0.01), rtol=0.01, atol=0)  # 1 at most
    torch.testing.assert_close(change['0.weight'][1], torch.full((4, 1, 1), 1e-4), rtol=0.01, atol=0)
    torch.testing.assert_close(change['0.bias'], torch.full((2,), 0.005), rtol=0.01, atol=0)
    for name in ('1.weight', '1.bias'):
        torch.testing.assert_close(change[name], torch.tensor([0.002, 4e-5]), rtol=0.01, atol=0)


def test_the_state_goes_on_from_a_checkpoint():
    network = nn.Conv2d(2, 2, 1)
    trained = dict(network.named_parameters())
    first = RelativeAdamW([{'params': list(trained.values()), 'lr': 0.1}], gains_of(network))
    again = RelativeAdamW([{'params': list(trained.values()), 'lr': 0.1}], gains_of(network))
    for value in trained.values():
        value.grad = torch.ones_like(value)
    first.step()
    again.load_state_dict(first.state_dict())
    assert again.state_dict()['state'][0]['step'] == 1
