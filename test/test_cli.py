from __future__ import annotations

import importlib
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from mpn_ros import __version__
from mpn_ros.cli import COMMANDS, main
from mpn_ros.errors import MpnError


@pytest.fixture
def info(monkeypatch) -> SimpleNamespace:
    """Stands in for the command 'info'; a test sets what its ``run`` does."""
    command = SimpleNamespace(add_arguments=lambda parser: parser.add_argument('what'), run=lambda args: None)
    monkeypatch.setitem(sys.modules, 'mpn_ros.commands.info', command)
    return command


@pytest.mark.parametrize('name', COMMANDS)
def test_every_command_has_its_module_and_its_help(name, capsys):
    if name == 'train':
        pytest.importorskip('pycocotools', reason='pycocotools is not installed')
    module = importlib.import_module(f'mpn_ros.commands.{name}')
    assert callable(module.run)
    with pytest.raises(SystemExit) as end:
        main([name, '--help'])
    assert end.value.code == 0 and f'{COMMANDS[name][1:]}.' in ' '.join(capsys.readouterr().out.split())


def test_help_lists_the_commands_and_loads_nothing_heavy():
    code = (
        'import sys; from mpn_ros.cli import main\n'
        'try: main(["--help"])\n'
        'except SystemExit: pass\n'
        'print("loaded:", *sorted({"torch", "cv2", "rclpy"} & sys.modules.keys()))'
    )
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout
    assert out.rstrip().endswith('loaded:')
    assert all(name in out and line in ' '.join(out.split()) for name, line in COMMANDS.items())


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as end:
        main(['--version'])
    assert end.value.code == 0 and __version__ in capsys.readouterr().out


@pytest.mark.parametrize('arguments', [[], ['dance'], ['info'], ['info', 'a', 'b']])
def test_wrong_usage_exits_with_2(info, arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


@pytest.mark.parametrize(
    ('error', 'sentence'),
    [
        (PermissionError(13, 'Permission denied', '/data/out.json'), '/data/out.json: Permission denied'),
        (OSError(28, 'No space left on device'), 'No space left on device'),
    ],
)
def test_what_the_system_refuses_is_a_sentence(info, capsys, error, sentence):
    def refuse(args):
        raise error

    info.run = refuse
    assert main(['info', 'x']) == 2
    assert capsys.readouterr().err == f'mpn info: {sentence}\n'


def test_names_that_are_not_utf_8_are_printed(info, capsys):
    info.run = lambda args: print(args.what)
    assert main(['info', os.fsdecode(b'caf\xe9')]) == 0
    assert capsys.readouterr().out == 'caf\\udce9\n'


@pytest.mark.parametrize(('answer', 'status'), [(None, 0), (0, 0), (2, 2)])
def test_the_commands_answer_is_the_exit_status(info, answer, status):
    seen = []

    def run(args):
        seen.append(args.what)
        return answer

    info.run = run
    assert main(['info', 'train']) == status
    assert seen == ['train']


def test_an_error_of_the_user_is_one_sentence_and_exit_2(info, capsys):
    def run(args):
        raise MpnError(f'{args.what} does not exist')

    info.run = run
    assert main(['info', 'x.safetensors']) == 2
    captured = capsys.readouterr()
    assert captured.err == 'mpn info: x.safetensors does not exist\n' and not captured.out


def test_an_error_of_ours_keeps_its_traceback(info):
    def run(args):
        raise ZeroDivisionError

    info.run = run
    with pytest.raises(ZeroDivisionError):
        main(['info', 'x'])


def test_an_interrupt_is_told_in_a_line(info, capsys):
    def run(args):
        raise KeyboardInterrupt

    info.run = run
    assert main(['info', 'x']) == 130
    assert capsys.readouterr().err == 'mpn info: interrupted\n'


@pytest.mark.parametrize(
    ('command', 'package'), [('eval', 'pycocotools'), ('train', 'tensorboard'), ('convert', 'h5py')]
)
def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch, capsys, command, package):
    def absent(_):
        raise ModuleNotFoundError(f"No module named '{package}'", name=f'{package}.x')

    monkeypatch.setattr('mpn_ros.cli.importlib.import_module', absent)
    assert main([command]) == 2
    assert capsys.readouterr().err == f'mpn {command}: {package} is not installed: pip install {package}\n'


@pytest.mark.parametrize('options', [[], ['-u']], ids=['at the end', 'in between'])
def test_a_reader_that_has_read_enough_is_no_error(options, monkeypatch):
    """As in ``mpn info r50 | head -1``, whenever Python writes."""
    monkeypatch.delenv('PYTHONUNBUFFERED', raising=False)
    mpn = subprocess.Popen(
        [sys.executable, *options, '-m', 'mpn_ros.cli', 'info', 'r50'], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    mpn.stdout.close()
    assert mpn.stderr.read() == b''
    assert mpn.wait(60) == 1
