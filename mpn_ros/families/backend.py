"""A family's network as a backend of the pipeline: letterboxed images in, ``RawDetections`` out."""

from __future__ import annotations

import dataclasses
import logging
import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from mpn_ros.backends.auto import AutoBackend
from mpn_ros.backends.base import MOST_SHAPES, Backend, BackendInfo, Pixels
from mpn_ros.backends.cache import get_or_build
from mpn_ros.backends.parity import TOLERANCE, probe_images
from mpn_ros.backends.precision import check_precision
from mpn_ros.errors import BackendUnavailable, InferenceError
from mpn_ros.families.base import Family, Poses, Traits
from mpn_ros.families.network_file import NetworkFile
from mpn_ros.families.runtime import OnnxRuntime, OpenVinoRuntime, Run, Runtime, Shape, gpu_providers
from mpn_ros.raw_detections import RawDetections

RUNTIMES: dict[str, Callable[[NetworkFile, str, str], Runtime]] = {
    'tensorrt': partial(OnnxRuntime, tensorrt=True),
    'onnxruntime': OnnxRuntime,
    'openvino': OpenVinoRuntime,
}
"""By the name of the backend."""
_PRECISION = 'precision'
_log = logging.getLogger(__name__)


def make_backend(
    file: NetworkFile,
    family: Family,
    order: np.ndarray,
    name: str = 'auto',
    device: str = 'auto',
    precision: str = 'auto',
) -> Backend:
    """The backend of that name for a network of others; 'auto' takes the first that works, a GPU's before a CPU's.
    ``order`` has for each of the K keypoints answered which of the network's it is.

    Raises ParameterError for an unknown precision, BackendUnavailable for an unknown name or with the reason why a
    named one cannot run.
    """
    check_precision(precision)

    def make(key: str, place: str) -> Backend:
        return FamilyBackend(file, family, order, RUNTIMES[key](file, place, precision))

    if name == 'auto':
        tried, without = [], []
        if device not in ('auto', 'cpu') or (device == 'auto' and gpu_providers()):
            tried = [(key, 'cuda' if device == 'auto' else device) for key in ('tensorrt', 'onnxruntime')]
        elif device == 'auto':
            without = ['no onnxruntime for a GPU']
        if device in ('auto', 'cpu'):
            tried += [('openvino', 'cpu'), ('onnxruntime', 'cpu')]
        return AutoBackend([partial(make, *one) for one in tried], without)
    if name not in RUNTIMES:
        raise BackendUnavailable(f"backend '{name}' does not run {file.path.name}: auto, {', '.join(RUNTIMES)} do")
    return make(name, device)


class FamilyBackend:
    """Prepares the network for each shape of input when it first comes.

    Where it is to compute in less than float32, its scores on made-up pictures are compared with those in float32
    first; numbers with which they are not finite, or off, are not used, with a warning. Which were is remembered.
    """

    def __init__(self, file: NetworkFile, family: Family, order: np.ndarray, runtime: Runtime) -> None:
        self._file, self._family, self._order, self._runtime = file, family, order, runtime
        self.info = self._info(runtime.precisions[0])
        self._kept = lru_cache(MOST_SHAPES)(self._prepare)

    def __call__(self, images: Pixels) -> RawDetections:
        """See ``Backend``. Raises InferenceError where an output is NaN or infinite."""
        pixels, step = np.asarray(images), self.info.max_batch_size
        found = [
            poses
            for start in range(0, len(pixels), step)
            for poses in self._look(pixels[start : start + step], self._kept)
        ]
        return perceived(found, self._order, self._family.traits)

    def _info(self, precision: str) -> BackendInfo:
        info, shape = self._runtime.info(precision), self._file.signature.inputs[0].shape
        return info if shape is not None and shape[0] is None else dataclasses.replace(info, max_batch_size=1)

    def _look(self, pixels: np.ndarray, run_for: Callable[[Shape, Shape], Run]) -> list[Poses]:
        tensor = self._family.preprocess(pixels)
        outputs = [np.asarray(output) for output in run_for(tensor.shape, pixels.shape)(tensor)]
        # Before anything is decoded: a score of NaN is above no threshold, and would be "nobody".
        if not all(np.isfinite(output).all() for output in outputs if output.dtype.kind == 'f'):
            raise InferenceError(f'the answer of the network is not finite ({self.info})')
        return self._family.decode(outputs, (pixels.shape[2], pixels.shape[1]))

    def _prepare(self, shape: Shape, images: Shape) -> Run:
        """What runs an input of that shape, made of images of that shape."""
        precision, *others = self._runtime.precisions
        if not others:
            return self._runtime.prepare(shape, precision, None)
        settle = partial(self._settle, shape, images)
        key = self._file.sha256, *self._runtime.key, precision, self._family.form, shape
        folder = get_or_build('family', key, settle)
        with tempfile.TemporaryDirectory() as place:
            if folder is None:
                folder = Path(place)
                settle(folder)
            precision = (folder / _PRECISION).read_text()
            self.info = self._info(precision)
            return self._runtime.prepare(shape, precision, folder)

    def _settle(self, shape: Shape, images: Shape, folder: Path) -> None:
        """Writes into the folder the first precision whose scores are those of float32, and what the runtime keeps."""
        *precisions, exact = self._runtime.precisions
        pictures = probe_images(images)
        wanted = self._scores(shape, exact, folder, pictures)
        for precision in precisions:
            if _agree(self._scores(shape, precision, folder, pictures), wanted):
                break
            _log.warning('%s answers otherwise than in float32 and is not used', self._info(precision))
        else:
            precision = exact
        (folder / _PRECISION).write_text(precision)

    def _scores(self, shape: Shape, precision: str, folder: Path, pictures: np.ndarray) -> list[np.ndarray] | None:
        """The scores of each picture's people, best first; None where the answer is not finite."""
        run = self._runtime.prepare(shape, precision, folder)
        try:
            found = self._look(pictures, lambda *_: run)
            return [best_first(poses, self._family.traits.people).boxes[:, 4] for poses in found]
        except InferenceError:
            return None


def perceived(found: Sequence[Poses], order: np.ndarray, traits: Traits) -> RawDetections:
    """People as the pipeline takes them, ``traits.people`` in each image: each box has a sixth number, which of the
    peaks of every keypoint are its own, and these count from the middles of pixels."""
    most = traits.people
    people = [best_first(poses, most) for poses in found]
    peaks = np.zeros((len(people), len(order), most, 3), np.float32)
    boxes = np.zeros((len(people), most, 6), np.float32)
    for index, poses in enumerate(people):
        count = len(poses.boxes)
        peaks[index, :, :count] = poses.keypoints[:, order].transpose(1, 0, 2)
        boxes[index, :count, :5], boxes[index, :, 5] = poses.boxes, np.arange(most)
    peaks[..., :2] += traits.origin - 0.5
    return RawDetections(peaks, boxes, np.empty((len(people), 0, 0), np.float32))


def best_first(poses: Poses, most: int) -> Poses:
    """The ``most`` people of the highest score."""
    best = np.argsort(-poses.boxes[:, 4], kind='stable')[:most]
    return Poses(poses.boxes[best], poses.keypoints[best])


def _agree(found: Sequence[np.ndarray] | None, wanted: Sequence[np.ndarray] | None) -> bool:
    """Whether the scores of each image's people, best first, are within the tolerance; who is missing has 0."""
    if found is None or wanted is None:
        return False
    pairs = [(a, b, max(len(a), len(b))) for a, b in zip(found, wanted)]
    return all(
        np.abs(np.pad(a, (0, n - len(a))) - np.pad(b, (0, n - len(b)))).max(initial=0) <= TOLERANCE for a, b, n in pairs
    )
