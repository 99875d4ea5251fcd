"""What a figure depends on besides the weights: the libraries' versions and the machine."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from mpn_ros import __version__


def versions() -> dict[str, str]:
    """The versions of ours and of what takes part in a measurement; what is not installed is left out."""
    found = {'mpn_ros': __version__, 'python': platform.python_version()}
    for name in ('torch', 'openvino', 'onnxruntime', 'numpy', 'pycocotools'):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """``cpu``, its model; ``cores`` that this process may use, which is what OpenVINO takes; and where torch takes part
    in the measurement ``torch_threads``, and ``gpu`` where there is one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    found = {'cpu': _cpu_model(), 'cores': allowed}
    if torch := sys.modules.get('torch'):  # who does without it need not wait for it
        found['torch_threads'] = torch.get_num_threads()
        if torch.cuda.is_available():
            found['gpu'] = torch.cuda.get_device_name()
    return found


def _cpu_model() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        lines = []
    models = (line.partition(':')[2].strip() for line in lines if line.startswith('model name'))
    return next(models, platform.processor() or platform.machine())
