"""``mpn``: one subcommand for each module of ``mpn_ros.commands``; nothing heavy is imported before it is needed."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence

from mpn_ros import __version__
from mpn_ros.errors import MpnError

COMMANDS = {
    'infer': 'find people in images or videos',
    'bag': 'find people in a recording of ROS 2',
    'eval': 'measure weights on a dataset in COCO layout',
    'train': 'train the network or its Pose Residual Network',
    'calibrate': 'make probabilities of the person scores of weights',
    'pack': 'join a trained network and a trained PRN into a weights file',
    'view': 'show cameras and people live in a browser',
    'convert': 'import a published checkpoint',
    'export': 'write the network or its Pose Residual Network as an ONNX file',
    'ablate': 'measure how keypoints get to people, and look at what the PRN learnt',
    'bench': 'measure how long each step takes here',
    'warm': 'prepare the network for the images that this machine will see',
    'info': 'describe a preset or a weights file',
}
"""Name and one line of each subcommand; ``mpn_ros.commands.NAME`` has ``add_arguments(parser)`` and
``run(args) -> int | None``."""

OPTIONAL = {'pycocotools', 'onnx', 'onnxscript', 'onnxruntime', 'tensorboard', 'h5py', 'matplotlib', 'rosbags'}
"""Packages that only some commands need; pip knows each by the name that it is imported by."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs ``mpn``. Returns the exit status: 0, or 2 and a sentence on stderr for an error that the user can mend."""
    argv = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files need not be UTF-8
            stream.reconfigure(errors='backslashreplace')
    parser = argparse.ArgumentParser(
        prog='mpn', description='MultiPoseNet: people in images, as boxes, skeletons and a mask.'
    )
    parser.add_argument('--version', action='version', version=f'mpn_ros {__version__}')
    subparsers = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    chosen = next((word for word in argv if word in COMMANDS), None)
    try:
        for name, line in COMMANDS.items():
            subparser = subparsers.add_parser(name, help=line, description=f'{line[0].upper()}{line[1:]}.')
            if name == chosen:
                importlib.import_module(f'mpn_ros.commands.{name}').add_arguments(subparser)
        args = parser.parse_args(argv)
        status: int = importlib.import_module(f'mpn_ros.commands.{args.command}').run(args) or 0
        sys.stdout.flush()  # here, where a reader that has gone is no error
        return status
    except MpnError as error:
        print(f'mpn {chosen}: {error}', file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        missing = (error.name or '').partition('.')[0]
        if missing not in OPTIONAL:
            raise
        print(f'mpn {chosen}: {missing} is not installed: pip install {missing}', file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads has read enough, as head does; nor may Python's end write the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # of a file or folder that no reader or writer of ours has foreseen
        if error.filename is None and error.strerror is None:
            raise
        where = '' if error.filename is None else f'{error.filename}: '
        print(f'mpn {chosen}: {where}{error.strerror}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f'mpn {chosen}: interrupted', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main())
