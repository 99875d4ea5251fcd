"""The node's parameters, declared once: the declarations, config/pose.yaml and the table in docs/interface.md come from
here.

Nothing of ROS is imported; ``ros/parameter_server.py`` declares these on a node. ``python -m mpn_ros.parameters``
writes the files.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mpn_ros.errors import ParameterError
from mpn_ros.files import replace_between


@dataclass(frozen=True)
class ParameterSpec:
    """What the table says of a parameter beside its name, type and default.

    bounds: smallest and largest number; step: distance of the allowed integers; choices: the allowed words;
    names: whether words must be names of ROS topics;
    live: may change while the node runs, others only while it is unconfigured.
    """

    description: str
    unit: str = ''
    bounds: tuple[float, float] | None = None
    step: int = 0
    choices: tuple[str, ...] = ()
    names: bool = False
    live: bool = False

    @property
    def range(self) -> str:
        """The allowed values in words; empty if all of the type are."""
        if self.bounds is not None:
            multiples = f', multiples of {self.step}' if self.step else ''
            return f'{self.bounds[0]:g} to {self.bounds[1]:g}{multiples}'
        return 'topic names' if self.names else ', '.join(self.choices)


def _parameter(default: Any, description: str, **rest: Any) -> Any:
    return field(default=default, metadata={'spec': ParameterSpec(description, **rest)})


@dataclass(frozen=True)
class Parameters:
    """The values of all parameters at one moment."""

    weights: str = _parameter(
        'lite', 'Name of weights that ship in models/, path of a weights file, or of a pose network (docs/models.md).'
    )
    backend: str = _parameter(
        'auto',
        "What runs the network: tensorrt, compile, openvino, eager, onnxruntime; 'auto' takes the fastest that "
        'works here.',
    )
    device: str = _parameter('auto', "'cpu', 'cuda', 'cuda:1'; 'auto' takes a GPU where there is one.")
    precision: str = _parameter(
        'auto',
        "Numbers inside the network; 'auto' takes the fastest that the device and the backend have.",
        choices=('auto', 'fp16', 'bf16', 'fp32'),
    )
    input_size: int = _parameter(
        0,
        "Long side of the network's input; 0 takes the size that the weights were made for.",
        unit='px',
        bounds=(0, 4096),
        step=32,
    )
    grouper: str = _parameter(
        'auto',
        'What gives keypoints to people: the Pose Residual Network or the baselines of its paper; '
        "'auto' leaves it to networks that group by themselves.",
        choices=('auto', 'prn', 'max', 'ucr'),
    )
    person_threshold: float = _parameter(0.4, 'Score from which a box is a person.', bounds=(0, 1), live=True)
    nms_threshold: float = _parameter(
        0.0,
        "Overlap (IoU) above which the weaker of two boxes is dropped; 0 takes the network's own, 0.4 for ours.",
        bounds=(0, 1),
        live=True,
    )
    keypoint_threshold: float = _parameter(0.1, 'Score from which a keypoint is visible.', bounds=(0, 1), live=True)
    mask_threshold: float = _parameter(
        0.4, 'Probability from which a pixel belongs to a person.', bounds=(0, 1), live=True
    )
    max_people: int = _parameter(20, 'Most people in a result, the best first.', bounds=(1, 100), live=True)
    refine: int = _parameter(
        -1,
        'Most windows of an image for a second look at people whose size does not suit the network; 0 looks once, '
        '-1 takes 4 on a CPU and 16 on a GPU.',
        bounds=(-1, 32),
        live=True,
    )
    full_look_every: int = _parameter(
        1,
        'With n, only every n-th image is looked at as a whole, those between in windows around the people who are '
        'followed; needs track and refine.',
        bounds=(1, 100),
        live=True,
    )
    track: bool = _parameter(True, 'Give people ids that last from image to image.', live=True)
    track_timeout: float = _parameter(
        1.0, 'Time for which a person who is not visible is remembered.', unit='s', bounds=(0, 60), live=True
    )
    new_track_threshold: float = _parameter(
        0.5, 'Score from which a person gets a new id; one below keeps an id or has none.', bounds=(0, 1), live=True
    )
    smoothing: str = _parameter(
        'spatial',
        "Where keypoints of people with an id are steadied: 'spatial' in markers, skeletons_3d and /tf, 'all' also in "
        "skeletons, overlay, annotations and /humans, 'off' nowhere.",
        choices=('off', 'spatial', 'all'),
        live=True,
    )
    cameras: tuple[str, ...] = _parameter(
        ('',), "Names of the cameras, each the namespace of its topics; '' is the node's own.", names=True
    )
    image_topic: str = _parameter(
        'image_raw', 'Image topic of each camera, within its namespace unless it begins with a slash.', names=True
    )
    image_transport: str = _parameter(
        'raw', "'compressed' subscribes to <image_topic>/compressed (JPEG, PNG).", choices=('raw', 'compressed')
    )
    depth_topic: str = _parameter(
        '', 'Topic of depth images registered to the images, relative as image_topic; empty for none.', names=True
    )
    depth_tolerance: float = _parameter(
        0.02, 'Most that the stamps of an image and of its depth image differ.', unit='s', bounds=(0, 1), live=True
    )
    estimate_positions: bool = _parameter(
        False, 'Without a depth topic, estimate positions in metres from the proportions of the body.'
    )
    person_height: float = _parameter(
        1.7, 'Height of the people whose positions are estimated.', unit='m', bounds=(0.5, 2.5), live=True
    )
    publish_tf: bool = _parameter(False, 'Publish positions of people with an id on /tf, as frames at their torsos.')
    use_cv_bridge: bool = _parameter(
        True, 'Let cv_bridge convert mono16, Bayer and YUV 4:2:2 where it is installed and works.'
    )
    publish_mask: bool = _parameter(True, 'Publish mask and instance_mask while they have a subscriber.', live=True)
    publish_humans: bool = _parameter(
        False, 'Publish people with an id under /humans/bodies too, as REP-155 has them; needs hri_msgs.'
    )
    marker_distance: float = _parameter(
        3.0,
        'Distance from the camera at which markers are drawn where positions are not known.',
        unit='m',
        bounds=(0.1, 100),
        live=True,
    )
    rviz_fixed_frame: str = _parameter(
        '',
        "RViz's fixed frame where there is no TF: images in another frame are warned of, once. Empty for none.",
        live=True,
    )
    camera_timeout: float = _parameter(
        2.0,
        'Silence after which diagnostics call a camera STALE and its markers go.',
        unit='s',
        bounds=(0.1, 3600),
        live=True,
    )
    batch_wait: float = _parameter(
        0.0,
        'Time after an image for which it waits for those of other cameras, to be one batch; for a GPU.',
        unit='s',
        bounds=(0, 1),
        live=True,
    )
    inference_timeout: float = _parameter(
        600.0,
        'Time on one image, or batch, after which the process ends with status 3, for respawn; 0 waits for ever.',
        unit='s',
        bounds=(0, 3600),
        live=True,
    )
    diagnostics_period: float = _parameter(
        1.0, 'Time between two messages on /diagnostics.', unit='s', bounds=(0.1, 60)
    )
    autostart: bool = _parameter(True, 'Configure and activate at start; false waits for a lifecycle manager.')

    def __post_init__(self) -> None:
        for name, spec in SPECS.items():
            check(name, getattr(self, name), spec)
        if len(set(self.cameras)) != len(self.cameras) or not self.cameras:
            raise ParameterError(f"parameter 'cameras' must name each camera once, not {list(self.cameras)}")
        for name in ('image_topic', 'depth_topic'):
            if getattr(self, name).startswith('/') and len(self.cameras) > 1:
                raise ParameterError(
                    f"parameter '{name}' must be relative for several cameras, not '{getattr(self, name)}'"
                )
        if self.publish_tf and not self.positions:
            raise ParameterError("parameter 'publish_tf' needs positions: set 'depth_topic' or 'estimate_positions'")

    @property
    def positions(self) -> bool:
        """Whether people get positions in metres."""
        return bool(self.depth_topic) or self.estimate_positions


SPECS: dict[str, ParameterSpec] = {item.name: item.metadata['spec'] for item in dataclasses.fields(Parameters)}
"""The table, by name."""
DEFAULTS: dict[str, Any] = {item.name: item.default for item in dataclasses.fields(Parameters)}
_NAME = r'[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*'
_TYPES = {bool: 'bool', int: 'int', float: 'double', str: 'string', tuple: 'string array'}


def check(name: str, value: Any, spec: ParameterSpec) -> None:
    """Refuses a value outside of a parameter's range; NaN is outside of every range.

    Args:
        name: The parameter.
        value: What it is to be.
        spec: What is known of it.

    Raises:
        ParameterError: With the allowed range.
    """
    allowed = (
        (not spec.bounds or spec.bounds[0] <= value <= spec.bounds[1])
        and (not spec.choices or value in spec.choices)
        and (not spec.step or value % spec.step == 0)
        and (not spec.names or value == DEFAULTS[name] or _are_names(value))
    )
    if not allowed:
        raise ParameterError(f"parameter '{name}' must be {spec.range}, not {value!r}")


def _are_names(value: str | tuple[str, ...]) -> bool:
    """Whether a topic, or each camera's namespace, is what ROS takes for a name; a namespace may be empty and is
    relative."""
    if isinstance(value, str):
        return re.fullmatch(f'/?{_NAME}', value) is not None
    return all(name == '' or re.fullmatch(_NAME, name) for name in value)


def camera_topic(camera: str, topic: str) -> str:
    """A topic of a camera, whose name is the namespace of all its topics that do not begin with a slash.

    Args:
        camera: Its name, or ''.
        topic: The topic.

    Returns:
        The topic's whole name.

    Examples:
        >>> camera_topic('left', 'image_raw'), camera_topic('left', '/clock')
        ('left/image_raw', '/clock')
    """
    return topic if topic.startswith('/') or not camera else f'{camera}/{topic}'


def _literal(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def to_yaml() -> str:
    """The text of config/pose.yaml: every parameter with its default, under its description."""
    lines = [
        '# Every parameter of the node with its default. Written by python -m mpn_ros.parameters.',
        '/**:',
        '  ros__parameters:',
    ]
    for name, spec in SPECS.items():
        facts = '; '.join(filter(None, [spec.range, spec.unit, 'live' if spec.live else '']))
        lines += [
            f'    # {spec.description}{f" ({facts})" if facts else ""}',
            f'    {name}: {_literal(DEFAULTS[name])}',
        ]
    return '\n'.join(lines) + '\n'


def to_markdown() -> str:
    """The table of docs/interface.md."""
    lines = [
        '| parameter | type | default | range | unit | changes | what it is |',
        '| --- | --- | --- | --- | --- | --- | --- |',
    ]
    for name, spec in SPECS.items():
        cells = [
            f'`{name}`',
            _TYPES[type(DEFAULTS[name])],
            f'`{_literal(DEFAULTS[name])}`',
            spec.range,
            spec.unit,
            'live' if spec.live else 'unconfigured',
            spec.description,
        ]
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


BEGIN, END = '<!-- parameters: begin -->\n', '<!-- parameters: end -->'
"""What the table of docs/interface.md stands between."""


def write(root: Path) -> None:
    """Writes config/pose.yaml and the table in docs/interface.md.

    Args:
        root: The source tree.
    """
    (root / 'config' / 'pose.yaml').write_text(to_yaml())
    page = root / 'docs' / 'interface.md'
    replace_between(page, BEGIN, END, to_markdown())


if __name__ == '__main__':
    write(Path(__file__).resolve().parents[1])
