"""What the launch files share: every argument is judged before a process starts, so that a wrong one costs a sentence
and leaves nothing running."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from launch.action import Action
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction, Shutdown
from launch.events.process import ProcessExited
from launch.launch_context import LaunchContext
from launch.launch_description import LaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.logging import launch_config
from launch.substitutions import LaunchConfiguration
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import ExecutableInPackage

from mpn_ros.errors import ParameterError

OF_LAUNCH = {'launch-prefix', 'launch-prefix-filter'}
"""What ``ros2 launch`` makes arguments of its own options."""


def argument(context: LaunchContext, name: str, kind: type = str) -> Any:
    """The value of a launch argument, of the type ``kind`` as launch reads parameters. Raises ParameterError."""
    text = LaunchConfiguration(name).perform(context)
    if kind is str:
        return text
    try:
        return ParameterValue(LaunchConfiguration(name), value_type=kind).evaluate(context)
    except (TypeError, ValueError) as error:
        wanted: dict[type, str] = {bool: 'true or false', float: 'a number'}
        raise ParameterError(
            f"argument '{name}' must be {wanted.get(kind, 'a list of names in brackets')}, not '{text}'"
        ) from error


def file_argument(context: LaunchContext, name: str) -> Path:
    """A file that a launch argument names. Raises ParameterError where there is none."""
    path = Path(argument(context, name))
    if not path.exists():
        raise ParameterError(f"argument '{name}': there is no '{path}'")
    return path


def with_playback(
    arguments: Mapping[str, tuple[str | None, str]], pose: str, play: Callable[[LaunchContext], list[Action]]
) -> LaunchDescription:
    """What pose.launch.py starts, with a recording in the place of the cameras.

    Args:
        arguments: default, None for none, and description of each argument by its name.
        pose: path of pose.launch.py.
        play: makes the action that plays the recording. It is called before the node starts as well, so that what it
            raises leaves nothing running.
    """

    def judge(context: LaunchContext) -> None:
        play(context)

    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in arguments.items()
            ),
            OpaqueFunction(function=judge),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(pose)),
            OpaqueFunction(function=play),
        ]
    )


def parameters_in_file(path: Path, node: str) -> dict[str, Any]:
    """The parameters that a file gives to a node, as rcl reads it: later sections win, ``*`` stands for one word of a
    name and ``**`` for any number of them.

    Args:
        path: the parameters file.
        node: full name of the node, as in ``/robot/pose``.

    Raises:
        ParameterError: the file is not YAML.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"argument 'params_file': '{path}' is not YAML") from error
    found: dict[str, Any] = {}
    sections = [('', content)]
    while sections:
        name, section = sections.pop()
        if not isinstance(section, dict):
            continue
        pattern = re.escape(name).replace(r'/\*\*', '(/[^/]+)*').replace(r'\*', '[^/]+')
        if re.fullmatch(pattern, node):
            found |= section.get('ros__parameters') or {}
        below = [(f'{name}/{str(key).strip("/")}', value) for key, value in section.items() if key != 'ros__parameters']
        sections += reversed(below)
    return found


def compressed_layout(path: Path) -> Path:
    """A copy of an RViz layout, among the logs of this launch, that shows ``image_raw`` as it is compressed: RViz takes
    the transport of a display from the name of its topic, and from nothing else."""
    layout = yaml.safe_load(path.read_text())
    for display in layout['Visualization Manager']['Displays']:
        topic = display.get('Topic', {})
        if topic.get('Value') == 'image_raw':
            topic['Value'] = 'image_raw/compressed'
    copy = Path(launch_config.log_dir) / f'{path.stem}_compressed.rviz'
    copy.write_text(yaml.safe_dump(layout, sort_keys=False))
    return copy


def need_executable(context: LaunchContext, package: str, executable: str, why: str) -> None:
    """Raises ParameterError where ``ros2 run package executable`` would find nothing."""
    try:
        ExecutableInPackage(package=package, executable=executable).perform(context)
    except Exception as error:  # each of launch, launch_ros and ament_index has its own
        raise ParameterError(f"{why} needs '{executable}' of the package {package}, which is not installed") from error


def is_root(context: LaunchContext, folder: Path) -> bool:
    """Whether ``ros2 launch`` was called with a file of ``folder``, and not with one that includes it."""
    root = _root(context)
    return root is not None and Path(root.launch_description_source.location).resolve().parent == folder


def refuse_unknown(context: LaunchContext) -> None:
    """Raises ParameterError for an argument of the command line that no launch file declares: launch passes it over in
    silence."""
    root = _root(context)
    if root is None:
        return
    declared = {argument.name for argument in context.locals.event.launch_description.get_launch_arguments()}
    for name in (word.partition(':=')[0] for word in context.argv):
        if name not in declared | OF_LAUNCH:
            close = get_close_matches(name, declared, 1)
            hint = f"did you mean '{close[0]}'?" if close else '--show-args lists them'
            raise ParameterError(f"there is no launch argument '{name}': {hint}")


def _root(context: LaunchContext) -> IncludeLaunchDescription | None:
    """What ``ros2 launch`` makes of the file that it was called with."""
    try:
        root = context.locals.event.launch_description.entities[0]
    except (AttributeError, IndexError):  # another program has made the description
        return None
    return root if isinstance(root, IncludeLaunchDescription) else None


def on_failure(what: str) -> Callable[[ProcessExited, LaunchContext], None]:
    """For ``on_exit``: ends everything, with status 1, if the process fails of itself."""

    def handle(event: ProcessExited, context: LaunchContext) -> None:
        if event.returncode and not context.is_shutdown:
            raise RuntimeError(f'{what} has ended with status {event.returncode}')

    return handle


def on_end(what: str) -> Callable[[ProcessExited, LaunchContext], list[Shutdown]]:
    """For ``on_exit``: ends everything when the process ends, with status 1 if it fails; after Ctrl-C all ends anyway,
    and launch cannot end it twice."""
    failed = on_failure(what)

    def handle(event: ProcessExited, context: LaunchContext) -> list[Shutdown]:
        failed(event, context)
        return [] if context.is_shutdown else [Shutdown(reason=f'{what} has ended')]

    return handle
