"""Tiny networks of each family, whose outputs are people that the test names. A plugin of pytest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

FLOAT = 1
"""ONNX's number of float32."""
Sides = Sequence[int | str]


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Writes a network with one input of a ``shape`` and constant outputs. ``dtype`` and ``output_dtype`` are ONNX's
    numbers; ``stated`` are shapes of outputs that the file claims instead of theirs."""
    onnx = pytest.importorskip('onnx', reason='onnx is an extra and is not installed')
    node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info

    def constant(name: str, values: np.ndarray):
        return node('Constant', [], [name], value=onnx.numpy_helper.from_array(values))

    def nodes(name: str, values: np.ndarray, dtype: int) -> list:
        """They give ``values``, whatever the pixels are; the graph needs its input all the same."""
        return [
            node('Cast', ['images'], [f'{name}_as_float'], to=FLOAT),
            node('ReduceMax', [f'{name}_as_float'], [f'{name}_most'], keepdims=0),
            constant(f'{name}_zero', np.float32(0)),
            node('Mul', [f'{name}_most', f'{name}_zero'], [f'{name}_nothing']),
            constant(f'{name}_values', values.astype(np.float32)),
            node('Add', [f'{name}_values', f'{name}_nothing'], [f'{name}_whole']),
            node('Cast', [f'{name}_whole'], [name], to=dtype),
        ]

    def make(
        outputs: Mapping[str, np.ndarray],
        shape: Sides,
        *,
        dtype: int = FLOAT,
        output_dtype: int = FLOAT,
        stated: Mapping[str, Sides] | None = None,
        metadata: Mapping[str, str] | None = None,
        name: str = 'network.onnx',
    ) -> Path:
        shapes = {key: list(values.shape) for key, values in outputs.items()} | dict(stated or {})
        graph = onnx.helper.make_graph(
            [one for key, values in outputs.items() for one in nodes(key, values, output_dtype)],
            'tiny',
            [info('images', dtype, shape)],
            [info(key, output_dtype, shapes[key]) for key in outputs],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 13)], ir_version=8)
        for key, text in (metadata or {}).items():
            model.metadata_props.add(key=key, value=text)
        path = tmp_path / name
        path.write_bytes(model.SerializeToString())
        return path

    return make
