"""Nothing that the node or the library reads can make it run code, and nothing of it speaks to a network."""

from __future__ import annotations

import ast
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mpn_ros.convert import import_limeng95, import_prn
from mpn_ros.errors import MpnError
from mpn_ros.presets import preset
from mpn_ros.training.checkpoint import load_checkpoint
from mpn_ros.weights import load_weights

ROOT = Path(__file__).resolve().parents[2]


class Malice:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def trace(tmp_path) -> Path:
    """A file that is there when code from a file has run."""
    return tmp_path / 'code-has-run'


def old_pickle(path, malice):
    path.write_bytes(pickle.dumps({'network': malice}))


def torch_file(path, malice):
    torch.save({'network': malice, 'averaged': {}, 'step': 0, 'preset': {}, 'config': {}}, path)


def old_torch_file(path, malice):
    torch.save({'network': malice}, path, _use_new_zipfile_serialization=False)


def zip_of_a_pickle(path, malice):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', pickle.dumps(malice, protocol=2))
        archive.writestr('archive/version', '3\n')


def arrays_of_objects(path, malice):
    with path.open('wb') as file:
        np.savez(file, image_id=np.zeros(1), image_size=np.array([malice], object))


FILES = old_pickle, torch_file, old_torch_file, zip_of_a_pickle, arrays_of_objects


def test_the_malice_works(tmp_path, trace):
    old_pickle(tmp_path / 'file', Malice(trace))
    pickle.loads((tmp_path / 'file').read_bytes())
    assert trace.exists(), 'or the tests below would show nothing'


def backbone(path):
    pytest.importorskip('pycocotools', reason='pycocotools is an extra and is not installed')
    from mpn_ros.training.initialization import start_backbone

    start_backbone(SimpleNamespace(backbone=torch.nn.Linear(1, 1), preset=preset('r50')), path)


def labels(path):
    pytest.importorskip('pycocotools', reason='pycocotools is an extra and is not installed')
    from mpn_ros.training.prn_labels import load_people

    load_people(path)


def prn(path):
    return import_prn(path, preset('lite'))


def limeng95(path):
    pytest.importorskip('h5py', reason='h5py is an extra and is not installed')
    return import_limeng95(path, preset('r50'))


@pytest.mark.parametrize('read', [load_weights, load_checkpoint, backbone, prn, limeng95, labels])
@pytest.mark.parametrize('write', FILES)
@pytest.mark.parametrize('name', ['file.safetensors', 'file.pt', 'file.npz'])
def test_no_file_of_weights_or_labels_runs_code(tmp_path, trace, name, write, read):
    write(tmp_path / name, Malice(trace))
    with pytest.raises(MpnError):
        read(tmp_path / name)
    assert not trace.exists()


CODE_FROM_DATA = {'pickle', 'cPickle', 'dill', 'joblib', 'marshal', 'shelve'}
SOURCES = [
    path
    for folder in ('mpn_ros', 'launch', 'scripts', 'examples', 'benchmarks', 'build_support')
    for path in (ROOT / folder).rglob('*.py')
]


def test_nothing_unpickles_or_evaluates():
    """What the files above cannot show of readers to come."""
    assert len(SOURCES) > 150
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not CODE_FROM_DATA & {name.name for name in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert node.module not in CODE_FROM_DATA, path
            elif isinstance(node, ast.Call):
                called, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert called not in ('eval', 'exec', 'yaml.load', 'yaml.unsafe_load'), path
                assert called != 'torch.load' or given.get('weights_only') == 'True', path
                assert given.get('allow_pickle', 'False') == 'False', path


def test_no_file_of_parameters_runs_code(tmp_path, trace):
    pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
    pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')
    path = tmp_path / 'pose.yaml'
    path.write_text(f'/**:\n  ros__parameters:\n    weights: !!python/object/apply:os.system ["touch {trace}"]\n')
    environment = {key: value for key, value in os.environ.items() if key != '_ROS_WHEELS_BOOTSTRAP_COMPLETE'}
    done = subprocess.run(
        [sys.executable, '-m', 'mpn_ros.ros.pose_node', '--ros-args', '--params-file', str(path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2 and "parameter 'weights'" in done.stderr
    assert not trace.exists()


# What Python's own audit hears of: sockets that leave this computer, and names that are looked up.
LISTENING = """
import sys
spoken = []

def audit(event, arguments):
    if event in ('socket.connect', 'socket.sendto', 'socket.getaddrinfo', 'socket.gethostbyname'):
        spoken.append((event, arguments))

sys.addaudithook(audit)
import numpy as np
from mpn_ros.pipeline.pipeline import PosePipeline
result = PosePipeline('lite', input_size=64, backend=sys.argv[1])(np.zeros((48, 64, 3), np.uint8))
print(result.mask.shape, spoken)
"""


@pytest.mark.parametrize('backend', ['eager', 'openvino'])
def test_nothing_speaks_to_a_network(backend):
    if backend == 'openvino':
        pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    done = subprocess.run(
        [sys.executable, '-c', LISTENING, backend], cwd=ROOT, capture_output=True, text=True, timeout=500
    )
    assert done.stdout == '(48, 64) []\n', done.stdout + done.stderr


CONVERTING = """
import numpy as np
from mpn_ros.pipeline.pipeline import PosePipeline
PosePipeline('lite', input_size=32, backend='openvino')(np.zeros((24, 32, 3), np.uint8))
"""


@pytest.mark.parametrize(
    'command',
    [('-c', CONVERTING), ('-m', 'mpn_ros.cli', 'export', '{}/x.onnx', '--size', '32x32')],
    ids=['openvino', 'export'],
)
def test_nothing_is_loaded_from_where_others_may_write(tmp_path, command):
    """PyTorch compiles and loads libraries when it exports a network, in /tmp unless told otherwise."""
    pytest.importorskip('openvino' if '-c' in command else 'onnxscript', reason='it is of an extra, not installed here')
    public, private = tmp_path / 'tmp', tmp_path / 'cache'
    public.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != 'TORCHINDUCTOR_CACHE_DIR'}
    subprocess.run(
        [sys.executable, *(part.format(tmp_path) for part in command)],
        cwd=ROOT,
        check=True,
        timeout=500,
        env={**environment, 'TMPDIR': str(public), 'XDG_CACHE_HOME': str(private)},
    )
    assert not list(public.glob('torchinductor_*'))
    assert list((private / 'mpn_ros').glob('openvino-*' if '-c' in command else 'inductor'))
