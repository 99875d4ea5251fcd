"""Tiny networks of each family, whose outputs are people that the test names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip('onnx', reason='onnx is an extra and is not installed')
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

Sides = Sequence[int | str]
Save = Callable[..., Path]


def constant(name: str, values: np.ndarray) -> onnx.NodeProto:
    """A node that gives ``values``."""
    return helper.make_node('Constant', [], [name], value=numpy_helper.from_array(values))


def depend(name: str, pixels: str, values: np.ndarray, dtype: int) -> list[onnx.NodeProto]:
    """Nodes that give ``values``, whatever ``pixels`` are; the graph needs its input all the same."""
    return [
        helper.make_node('Cast', [pixels], [f'{name}_as_float'], to=TensorProto.FLOAT),
        helper.make_node('ReduceMax', [f'{name}_as_float'], [f'{name}_most'], keepdims=0),
        constant(f'{name}_zero', np.float32(0)),
        helper.make_node('Mul', [f'{name}_most', f'{name}_zero'], [f'{name}_nothing']),
        constant(f'{name}_values', values.astype(np.float32)),
        helper.make_node('Add', [f'{name}_values', f'{name}_nothing'], [f'{name}_whole']),
        helper.make_node('Cast', [f'{name}_whole'], [name], to=dtype),
    ]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a network with one input and constant outputs."""

    def make(outputs: Mapping[str, np.ndarray], shape: Sides, *, dtype: int = TensorProto.FLOAT,
             stated: Mapping[str, Sides] | None = None, metadata: Mapping[str, str] | None = None,
             output_dtype: int = TensorProto.FLOAT, name: str = 'network.onnx') -> Path:
        nodes = [node for key, values in outputs.items() for node in depend(key, 'images', values, output_dtype)]
        shapes = {key: list(values.shape) for key, values in outputs.items()} | dict(stated or {})
        graph = helper.make_graph(
            nodes, 'tiny', [helper.make_tensor_value_info('images', dtype, shape)],
            [helper.make_tensor_value_info(key, output_dtype, shapes[key]) for key in outputs])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
        for key, text in (metadata or {}).items():
            model.metadata_props.add(key=key, value=text)
        path = tmp_path / name
        path.write_bytes(model.SerializeToString())
        return path

    return make
