"""MultiPoseNet perception for ROS 2.

``from mpn_ros import PosePipeline, Tracker, COCO`` works, and each name loads what it needs only then: importing the
package, or ``mpn_ros.msg`` on a robot, loads neither torch nor OpenCV.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mpn_ros.pipeline.pipeline import PosePipeline
    from mpn_ros.skeleton import COCO
    from mpn_ros.tracking.tracker import Tracker

__all__ = ['COCO', 'PosePipeline', 'Tracker']

# The generated messages (mpn_ros.msg) are installed beside the sources; this finds them from a source checkout too.
__path__ = extend_path(__path__, __name__)

__version__ = '0.1.0'

_MODULES = {
    'COCO': 'mpn_ros.skeleton',
    'PosePipeline': 'mpn_ros.pipeline.pipeline',
    'Tracker': 'mpn_ros.tracking.tracker',
}
"""Where the names of the package are made."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
