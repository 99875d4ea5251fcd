"""``mpn calibrate`` writes weights that say probabilities, and refuses what it cannot learn from."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logit

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from mpn_ros.cli import main
from mpn_ros.evaluation import calibration
from mpn_ros.evaluation.calibration import Judged
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.presets import preset
from mpn_ros.weights import load_weights, save_weights


@pytest.fixture
def arguments(tmp_path, small_dataset) -> list[str]:
    torch.manual_seed(0)
    lite = preset('lite')
    save_weights(
        tmp_path / 'untrained.safetensors',
        lite,
        {'network': MultiPoseNet(lite).state_dict()},
        training={'data': 'none'},
    )
    return [
        'calibrate',
        str(tmp_path / 'out.safetensors'),
        '--images',
        str(small_dataset.images),
        '--annotations',
        str(small_dataset.annotations),
        '--weights',
        str(tmp_path / 'untrained.safetensors'),
        '--input-size',
        '64',
        '--backend',
        'eager',
        '--device',
        'cpu',
    ]


def test_the_scores_of_the_written_weights_are_the_calibrated_ones(arguments, tmp_path, monkeypatch, capsys):
    scores = np.linspace(0.2, 0.8, 200)
    right = np.random.default_rng(0).random(200) < expit(3 * logit(scores))
    monkeypatch.setattr(calibration, 'judge', lambda answers: Judged(np.arange(200), scores, right))
    assert main(arguments) == 0
    before, after = (load_weights(tmp_path / f'{name}.safetensors') for name in ('untrained', 'out'))
    stated = after.metadata['training']
    assert stated['data'] == 'none' and stated['calibration']['images'] == 200
    assert stated['calibration']['input_size'] == 64
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        raw, honest = (weights.network()(image).class_logits for weights in (before, after))
    expected = stated['calibration']['scale'] * raw + stated['calibration']['shift']
    torch.testing.assert_close(honest, expected, atol=0.01, rtol=0.01)  # stored in half precision
    assert stated['calibration']['scale'] > 2
    assert 'stated' in capsys.readouterr().out


def test_a_network_that_is_never_right_is_refused(arguments, small_dataset, tmp_path, capsys):
    for annotation in small_dataset.content['annotations']:
        annotation['bbox'] = [0, 0, 3, 3]
    small_dataset.save()
    assert main(arguments) == 2
    assert ' 0 of ' in capsys.readouterr().err
    assert not (tmp_path / 'out.safetensors').exists()


def test_weights_have_their_ending(arguments, tmp_path, capsys):
    arguments[1] = str(tmp_path / 'out.pt')
    assert main(arguments) == 2
    assert 'out.pt must end in .safetensors' in capsys.readouterr().err
