"""Errors meant for a user: each text is one sentence that names the file, the parameter or the value that is wrong."""

from __future__ import annotations


class MpnError(Exception):
    """Base of every error that a user can cause and mend. Commands print it and exit 2; the node logs it."""


class PresetError(MpnError):
    """No preset of that name, or a preset whose fields contradict each other."""


class WeightsError(MpnError):
    """A weights file that is missing, damaged, of another architecture, or not ours."""


class ImageError(MpnError):
    """An image, a video or an image message that cannot be read."""


class CalibrationError(MpnError):
    """A camera's calibration that positions cannot be computed with."""


class DatasetError(MpnError):
    """A dataset that is missing, malformed or empty; the text names the file and the line or id."""


class TrainingError(MpnError):
    """A training that went astray; the text names the step and what of it shows that."""


class BackendUnavailable(MpnError):
    """A backend that cannot run here; the text says why and what to install."""


class InferenceError(MpnError):
    """An image for which the network gives no usable answer."""


class ParameterError(MpnError):
    """A parameter or an argument outside its range."""
