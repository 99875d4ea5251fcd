"""ONNX files of what runs: the network with its inference graph, and the Pose Residual Network of the grouper."""

from __future__ import annotations

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx
import torch
from torch import nn

from mpn_ros import __version__
from mpn_ros.backends.cache import set_inductor_cache_dir
from mpn_ros.conventions import INPUT_MULTIPLE
from mpn_ros.errors import ParameterError
from mpn_ros.files import printable, write_whole
from mpn_ros.inference_graph import InferenceGraph
from mpn_ros.network.prn import Assignment
from mpn_ros.raw_detections import PEAKS, RawDetections
from mpn_ros.weights import Weights


def export_network(
    path: str | Path, weights: Weights, width: int, height: int, *, batch: int | None = 1, half: bool = False
) -> None:
    """Writes ``InferenceGraph``: ``images (B, height, width, 3)`` uint8 RGB to ``peaks``, ``boxes`` and ``person`` as
    in ``RawDetections``, all float32.

    width, height: pixels, multiples of 32. batch: B; None leaves it open. half: float16 inside, but for the decoding of
    peaks and boxes. Raises ParameterError, and WeightsError where ``weights`` have no network.
    """
    if width % INPUT_MULTIPLE or height % INPUT_MULTIPLE or min(width, height) < INPUT_MULTIPLE:
        raise ParameterError(f'the size must be of multiples of 32 pixels, not {width}x{height}')
    graph = InferenceGraph(weights.network(), height, width)
    if half:
        graph.network.half()
        graph.normalise.half()
    images = torch.zeros(_example(batch), height, width, 3, dtype=torch.uint8)
    _export(path, graph, images, batch, 'images', RawDetections._fields, weights)


def export_prn(path: str | Path, weights: Weights, *, batch: int | None = 1, half: bool = False) -> None:
    """Writes ``Assignment``: ``candidates (P, K, PEAKS, 3)``, x and y 0..1 in a person's crop and the peak's score, to
    ``likelihoods (P, K, PEAKS)`` that they are the person's, all float32.

    batch: P; None leaves it open. half: float16 in the dense layers. Raises ParameterError, and WeightsError where
    ``weights`` have no PRN.
    """
    prn = weights.prn()
    if half:
        for layer in (prn.encode, *prn.hidden, prn.decode):
            layer.half()
    candidates = torch.rand(_example(batch), prn.keypoints, PEAKS, 3)
    _export(path, Assignment(prn), candidates, batch, 'candidates', ('likelihoods',), weights)


def _example(batch: int | None) -> int:
    if batch is None:
        return 2  # torch.export takes a 1 for a constant
    if batch < 1:
        raise ParameterError(f'the batch must be at least 1, not {batch}')
    return batch


def _export(
    path: str | Path,
    graph: nn.Module,
    example: torch.Tensor,
    batch: int | None,
    input_name: str,
    output_names: Sequence[str],
    weights: Weights,
) -> None:
    path = Path(path)
    if path.suffix != '.onnx':
        raise ParameterError(f'{path} must end in .onnx')
    if not path.parent.is_dir():
        raise ParameterError(f'{path} cannot be written: there is no folder {path.parent}')
    set_inductor_cache_dir()
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            graph.eval(),
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[input_name],
            output_names=list(output_names),
            dynamic_shapes=({0: torch.export.Dim('batch')},) if batch is None else None,
        )
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(
        model,
        {
            'mpn_ros': __version__,
            'weights': printable(Path(weights.source).name),
            'weights_sha256': weights.metadata['sha256'],
            'preset': json.dumps(weights.preset.to_dict()),
            'input_shape': json.dumps(['batch' if batch is None else batch, *example.shape[1:]]),
        },
    )
    onnx.checker.check_model(model, full_check=True)
    try:
        write_whole(path, model.SerializeToString())
    except OSError as error:
        raise ParameterError(f'{path} cannot be written: {error.strerror}') from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of its own inside: pytrees, and each operator of packages that are not there."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
