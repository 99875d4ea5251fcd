"""The header of an ONNX file: what it says, and what it must not make us read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('onnx', reason='onnx is an extra and is not installed')
from onnx import TensorProto, helper, load_model, numpy_helper, save_model  # noqa: E402

from mpn_ros.errors import WeightsError  # noqa: E402
from mpn_ros.families.network_file import read_network_file  # noqa: E402
from mpn_ros.families.onnx_header import read_header  # noqa: E402
from mpn_ros.families.runtime import OnnxRuntime, OpenVinoRuntime  # noqa: E402

PEOPLE = np.zeros((1, 6, 56), np.float32)
IMAGE = [1, 32, 32, 3]


def a_model(*initialisers, nodes=()):
    graph = helper.make_graph(
        [helper.make_node('Add', ['images', 'weights'], ['people']), *nodes],
        'tiny',
        [helper.make_tensor_value_info('images', TensorProto.FLOAT, ['batch', 3, 'height', 8])],
        [helper.make_tensor_value_info('people', TensorProto.FLOAT16, [1, None, 5])],
        list(initialisers),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)


def external(location: str, dims=(4,), **where) -> TensorProto:
    tensor = TensorProto(name='weights', data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in {'location': location, **where}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def weights(values=(1, 2, 3, 4)) -> TensorProto:
    return numpy_helper.from_array(np.float32(values), 'weights')


def written(tmp_path: Path, model) -> Path:
    path = tmp_path / 'network.onnx'
    path.write_bytes(model.SerializeToString())
    return path


def test_ports_and_metadata_are_those_of_the_file(tmp_path):
    model = a_model(weights())
    model.metadata_props.add(key='license', value='MIT')
    path = written(tmp_path, model)
    header = read_header(path, path.read_bytes())
    assert list(map(str, header.inputs)) == ['images float32 ?x3x?x8']
    assert list(map(str, header.outputs)) == ['people float16 1x?x5']
    assert header.metadata == {'license': 'MIT'} and not header.external


def test_an_input_with_a_value_of_its_own_is_no_input(tmp_path):
    model = a_model(weights())
    model.graph.input.append(helper.make_tensor_value_info('weights', TensorProto.FLOAT, [4]))
    path = written(tmp_path, model)
    assert [port.name for port in read_header(path, path.read_bytes()).inputs] == ['images']


def test_a_file_is_cut_short_wherever_it_is_cut(save):
    path = save({'people': PEOPLE}, IMAGE)
    whole = path.read_bytes()
    for end in range(4, len(whole), 7):
        path.write_bytes(whole[:end])
        with pytest.raises(WeightsError, match=f'{path} is (cut short|not an ONNX file)'):
            read_network_file(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match='is cut short: its end is missing'):
        read_network_file(path)


@pytest.mark.parametrize(
    'content',
    [b'', b'\0' * 100, b'<html>not here</html>', b'PK\x03\x04' + b'x' * 50, np.random.default_rng(0).bytes(5000)],
)
def test_what_is_no_onnx_file_is_named(tmp_path, content):
    path = tmp_path / 'network.onnx'
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f'{path} is (not an ONNX file|cut short)'):
        read_network_file(path)
    with pytest.raises(WeightsError, match='does not exist'):
        read_network_file(tmp_path / 'none.onnx')


@pytest.mark.parametrize('make', [OpenVinoRuntime, OnnxRuntime])
def test_weights_in_a_file_beside_it_are_taken_beside_the_target_of_a_link_too(tmp_path, make):
    pytest.importorskip('openvino' if make is OpenVinoRuntime else 'onnxruntime', reason='it is an extra')
    path, link = tmp_path / 'here' / 'network.onnx', tmp_path / 'link.onnx'
    path.parent.mkdir()
    values = np.arange(400, dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node('Add', ['images', 'weights'], ['people'])],
        'tiny',
        [helper.make_tensor_value_info('images', TensorProto.FLOAT, [1, 400])],
        [helper.make_tensor_value_info('people', TensorProto.FLOAT, [1, 400])],
        [weights(values)],
    )
    save_model(
        helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8),
        path,
        save_as_external_data=True,
        location='network.data',
        size_threshold=0,
    )
    link.symlink_to(path)
    for name in (path, link):
        file = read_network_file(name)
        assert file.content is None, 'the runtime would look for them beside nothing'
        (answer,) = make(file, 'cpu', 'fp32').prepare((1, 400), 'fp32', None)(np.ones((1, 400), np.float32))
        np.testing.assert_allclose(answer[0], values + 1)


@pytest.mark.parametrize(
    'location', ['../secret', '/etc/passwd', 'sub/../../secret', 'nowhere', '', '.', 'a\0b', 'link']
)
def test_weights_outside_the_folder_are_refused(tmp_path, location):
    folder = tmp_path / 'folder'
    (folder / 'sub').mkdir(parents=True)
    (tmp_path / 'secret').write_bytes(b'x' * 64)
    os.symlink(tmp_path / 'secret', folder / 'link')
    for model in (
        a_model(external(location)),
        a_model(weights(), nodes=[helper.make_node('Constant', [], ['more'], value=external(location))]),
    ):
        with pytest.raises(WeightsError, match='is not loaded: its weights .* is no file in its folder'):
            read_network_file(written(folder, model))


def test_weights_that_end_beyond_their_file_are_refused(tmp_path):
    (tmp_path / 'data').write_bytes(b'x' * 16)
    assert read_network_file(written(tmp_path, a_model(external('data', offset=0, length=16)))).content is None
    for where in ({'offset': 8, 'length': 16}, {'offset': -8}, {'offset': 100}, {'offset': 'x'}):
        with pytest.raises(WeightsError, match='is not loaded'):
            read_network_file(written(tmp_path, a_model(external('data', **where))))


@pytest.mark.parametrize('dims', [(1 << 40,), (1 << 20, 1 << 20), (-1,), (1 << 62, 4)])
def test_a_tensor_of_more_values_than_bytes_is_refused(tmp_path, dims):
    huge = TensorProto(name='weights', data_type=TensorProto.FLOAT, dims=dims, raw_data=b'1234')
    hidden = helper.make_node('If', ['images'], ['more'], then_branch=helper.make_graph([], 'then', [], [], [huge]))
    for model in (a_model(huge), a_model(weights(), nodes=[hidden])):
        with pytest.raises(WeightsError, match="is not loaded: its tensor 'weights' claims"):
            read_network_file(written(tmp_path, model))
    (tmp_path / 'data').write_bytes(b'x' * 16)
    with pytest.raises(WeightsError, match='claims'):
        read_network_file(written(tmp_path, a_model(external('data', dims=dims))))


def test_graphs_inside_graphs_end_somewhere(tmp_path):
    graph = helper.make_graph([], 'deepest', [], [])
    for _ in range(20):
        graph = helper.make_graph([helper.make_node('If', ['x'], ['y'], then_branch=graph)], 'g', [], [])
    with pytest.raises(WeightsError, match='nested too deeply'):
        read_network_file(written(tmp_path, a_model(weights(), nodes=graph.node)))


def test_the_walk_agrees_with_onnx_on_a_real_file():
    data = os.environ.get('MPN_DATA')
    if not data:
        pytest.skip('MPN_DATA names no folder with teachers/movenet-multipose.onnx')
    path = Path(data) / 'teachers' / 'movenet-multipose.onnx'
    graph, header = load_model(path).graph, read_header(path, path.read_bytes())
    assert [port.name for port in header.inputs] == [port.name for port in graph.input]
    assert [port.shape for port in header.outputs] == [(1, 6, 56)]
