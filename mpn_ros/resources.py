"""Where the files that ship beside the code are: weights, parameters, launch and RViz files."""

from __future__ import annotations

from pathlib import Path

from mpn_ros.errors import WeightsError


def share_directory() -> Path:
    """The folder that holds ``models/``, ``config/``, ``launch/`` and ``rviz/``: the checkout that this module is in,
    else ``share/mpn_ros`` below the prefix that it is installed in (a virtual environment, a user's, a colcon install
    space).

    Raises WeightsError if neither exists, which means an incomplete installation.
    """
    package = Path(__file__).parent
    if (package.parent / 'package.xml').is_file():
        return package.parent
    for prefix in package.parents:
        if (prefix / 'share' / 'mpn_ros' / 'models').is_dir():
            return prefix / 'share' / 'mpn_ros'
    raise WeightsError(f'the installation around {package} is incomplete: no folder above it has share/mpn_ros/models')


def find_model(name: str) -> Path:
    """The weights file that ships as ``models/NAME.safetensors``.

    Raises WeightsError that lists the names there are.
    """
    models = share_directory() / 'models'
    shipped = {path.stem: path for path in sorted(models.glob('*.safetensors'))}
    if name not in shipped:
        raise WeightsError(f"no weights are called '{name}' in {models}; there are {', '.join(shipped) or 'none'}")
    return shipped[name]
