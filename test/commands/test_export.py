"""What ``mpn export`` writes gives under onnxruntime what PyTorch gives, and says what it is."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch

from mpn_ros.cli import main
from mpn_ros.inference_graph import InferenceGraph
from mpn_ros.pipeline.sparse_prn import SparsePRN, assignment_probabilities
from mpn_ros.weights import load_weights, resolve_weights

onnx = pytest.importorskip('onnx', reason='onnx is of the extra export and is not installed')
pytest.importorskip('onnxscript', reason='onnxscript is of the extra export and is not installed')
onnxruntime = pytest.importorskip('onnxruntime', reason='onnxruntime is of the extra test and is not installed')


@pytest.fixture(scope='module')
def lite():
    return load_weights(resolve_weights('lite'))


def props(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def session(path):
    return onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])


def test_the_network_is_that_of_pytorch_for_any_batch(lite, tmp_path, capsys):
    path = str(tmp_path / 'lite.onnx')
    assert main(['export', path, '--size', '160x128', '--batch', 'dynamic']) == 0
    assert 'network at 160x128 pixels, batch dynamic, float32, preset lite' in capsys.readouterr().out
    told = props(path)
    assert told['weights_sha256'] == lite.metadata['sha256'] and json.loads(told['preset'])['name'] == 'lite'
    assert json.loads(told['input_shape']) == ['batch', 128, 160, 3]
    run = session(path)
    assert [output.name for output in run.get_outputs()] == ['peaks', 'boxes', 'person']
    coarse = np.random.default_rng(0).integers(0, 255, (3, 4, 5, 3), np.uint8)
    images = np.stack([cv2.resize(picture, (160, 128), interpolation=cv2.INTER_CUBIC) for picture in coarse])
    with torch.inference_mode():
        want = InferenceGraph(lite.network(), 128, 160)(torch.from_numpy(images))
    assert want.boxes[:, 0, 4].min() > 0.01 and want.peaks[..., 0, 2].max() > 0.02, 'nothing to compare'
    for batch in (3, 1):
        for ours, theirs in zip(run.run(None, {'images': images[:batch]}), want, strict=True):
            theirs = theirs[:batch].numpy()
            if theirs.shape[-1] in (3, 5):  # which of those that do not count comes first is anybody's choice
                # Nobody looks at peaks below the PRN's bound, 0.05, nor at boxes below that of mpn eval. Two cells of a
                # blurred picture may be equal but for rounding, and then the one or the other is a peak.
                counts = theirs[..., -1] > (0.01 if theirs.shape[-1] == 3 else 2e-3)
                ours, theirs = ours[counts], theirs[counts]
                assert len(theirs)
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(('half', 'error'), [([], 1e-5), (['--half'], 0.02)])
def test_the_prn_is_that_of_the_grouper(lite, tmp_path, half, error):
    path = str(tmp_path / 'prn.onnx')
    assert main(['export', path, '--prn', '--batch', 'dynamic', *half]) == 0
    candidates = np.random.default_rng(0).random((3, 17, 30, 3), np.float32)
    candidates[..., 5:, 2] = 0
    candidates[1] = 0
    want = assignment_probabilities(SparsePRN(lite.prn())(candidates))
    (likely,) = session(path).run(None, {'candidates': candidates})
    np.testing.assert_allclose(likely, want, atol=error)
    assert json.loads(props(path)['input_shape']) == ['batch', 17, 30, 3]


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['net.pt'], 'must end in .onnx'),
        (['nowhere/net.onnx', '--prn'], 'there is no folder'),
        (['net.onnx', '--size', '100x64'], 'multiples of 32'),
        (['net.onnx', '--batch', '0'], 'at least 1'),
        (['net.onnx', '--prn', '--size', '64x64'], 'does not go with --prn'),
    ],
)
def test_what_cannot_be_written_ends_in_a_sentence(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(['export', *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count('\n') == 1 and not list(tmp_path.iterdir())
