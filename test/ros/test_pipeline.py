"""What the node makes of its parameters."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from mpn_ros.errors import WeightsError
from mpn_ros.parameters import Parameters
from mpn_ros.presets import PRESETS, PRNConfig
from mpn_ros.ros.pipeline import load_pipeline
from mpn_ros.skeleton import make_layout
from mpn_ros.weights import save_weights


def test_weights_of_other_keypoints_are_refused(tmp_path):
    layout = make_layout(('head', 'tail'), ())
    fox = dataclasses.replace(PRESETS['lite'], prn=PRNConfig(height=2, width=2), layout=layout)
    save_weights(tmp_path / 'fox.safetensors', fox, {'ucr': {'prior': torch.ones(2, 2, 2)}})
    parameters = dataclasses.replace(Parameters(), weights=str(tmp_path / 'fox.safetensors'))
    with pytest.raises(WeightsError, match=r"fox.safetensors knows 2 keypoints \(head, tail\), but .* COCO's 17"):
        load_pipeline(parameters)
