"""MoveNet MultiPose Lightning (ONNX, Apache-2.0, a file the user gives): another system to measure ours beside, whole,
and by its dense keypoint heatmaps alone (Table 4)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import onnx
import onnxruntime
import torch

from mpn_ros.conventions import ChannelOrder
from mpn_ros.errors import WeightsError
from mpn_ros.inference_graph import find_peaks
from mpn_ros.result import Person, PoseResult

_STRIDE = 32
_HEATMAPS = 'StatefulPartitionedCall/Sigmoid_1:0'


class _Fitted(NamedTuple):
    """An image in the network's input ``(1, h, w, 3)``, and ``(2,)`` image pixels for each of its pixels."""

    pixels: np.ndarray
    to_image: np.ndarray


class MoveNet:
    """MoveNet MultiPose behind the call of ``PosePipeline``; the image is resized to ``long_side`` pixels and padded.
    ``threads`` 0 is one for each core.

    Raises WeightsError if ``model`` is not that network.
    """

    def __init__(self, model: Path, long_side: int, threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            graph = onnx.load(str(model))
            graph.graph.output.append(onnx.helper.make_tensor_value_info(_HEATMAPS, onnx.TensorProto.FLOAT, None))
            self._session = onnxruntime.InferenceSession(
                graph.SerializeToString(), options, providers=['CPUExecutionProvider']
            )
        except Exception as error:  # both libraries raise types of their own
            raise WeightsError(f'{model} is not MoveNet MultiPose in ONNX: {error}') from error
        self._input = self._session.get_inputs()[0].name
        self._people = self._session.get_outputs()[0].name
        self._long_side = long_side

    def __call__(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> PoseResult:
        """People, at most six, without a mask."""
        height, width = image.shape[:2]
        fitted = self._fit(image, channel_order)
        rows = self._session.run([self._people], {self._input: fitted.pixels})[0][0]
        # Fractions of the padded input; a keypoint lies in the middle of the pixel that they name, an edge of a box
        # between pixels.
        to_input = np.array(fitted.pixels.shape[2:0:-1])
        people = []
        for row in rows[rows[:, 55] > 0]:  # it gives those whom it has suppressed a score of 0
            found = row[:51].reshape(17, 3)
            positions = (found[:, 1::-1] * to_input + 0.5) * fitted.to_image - 0.5
            keypoints = np.column_stack([positions, found[:, 2]]).astype(np.float32)
            box = np.clip(
                row[[52, 51, 54, 53]] * np.tile(to_input * fitted.to_image, 2), 0, [width, height, width, height]
            )
            people.append(Person(box.astype(np.float32), float(row[55]), keypoints))
        people.sort(key=lambda person: -person.score)
        return PoseResult(tuple(people), None, (width, height))

    def peaks(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> np.ndarray:
        """The peaks of its heatmaps, of any number of people: ``(17, N, 3)`` x, y in pixels of the image and score."""
        fitted = self._fit(image, channel_order)
        heatmaps = self._session.run([_HEATMAPS], {self._input: fitted.pixels})[0]
        peaks = find_peaks(torch.from_numpy(heatmaps))[0].numpy()
        return np.concatenate([(peaks[..., :2] + 0.5) * fitted.to_image - 0.5, peaks[..., 2:]], -1)

    def _fit(self, image: np.ndarray, channel_order: ChannelOrder) -> _Fitted:
        height, width = image.shape[:2]
        scale = self._long_side / max(height, width)
        resized = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        padded = np.zeros((1, *(-(-side // _STRIDE) * _STRIDE for side in resized.shape[:2]), 3), np.int32)
        padded[0, : resized.shape[0], : resized.shape[1]] = resized[..., ::-1] if channel_order == 'bgr' else resized
        return _Fitted(padded, np.array([width / resized.shape[1], height / resized.shape[0]]))
