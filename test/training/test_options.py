"""One table of training options: the parser, the page and the settings of a run say the same."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import get_args

import pytest

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')

from mpn_ros.commands import train_options  # noqa: E402
from mpn_ros.commands.train_options import BEGIN, END, PAPER, add_training_arguments, options  # noqa: E402
from mpn_ros.training.augment import Augmentation  # noqa: E402
from mpn_ros.training.config import Stage, TrainingConfig  # noqa: E402
from mpn_ros.training.options import option, options_of, settings_from, to_markdown  # noqa: E402
from mpn_ros.training.windows import WindowSampling  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = ['--images', 'images', '--annotations', 'labels.json']


def parsed(stage: Stage, *words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_training_arguments(parser, stage)
    return parser.parse_args([*REQUIRED, *words])


def test_the_page_is_up_to_date():
    page = (ROOT / 'docs' / 'training.md').read_text()
    said = page.split(BEGIN)[1].split(END)[0]
    assert said == to_markdown(options('joint')), f'run python -m {train_options.__name__}'


@pytest.mark.parametrize('stage', get_args(Stage))
def test_without_options_the_settings_are_their_own_but_for_the_papers(stage):
    args, paper = parsed(stage), PAPER[stage]
    config = settings_from(TrainingConfig, args, stage=stage)
    assert config == TrainingConfig(stage=stage, rate=paper['rate'])
    assert settings_from(WindowSampling, args, count=4) == WindowSampling()
    wanted = Augmentation(paper['rotation'], paper['scale'], paper['flip'])
    assert settings_from(Augmentation, args) == wanted and args.size == paper['size']


def test_options_reach_the_settings():
    words = (
        '--rate-factor backbone=0 prn=0.5 --relative-rate --no-bf16 --scale 0.5 2 --window-zoom 3 --epochs 7'.split()
    )
    args = parsed('joint', *words)
    config = settings_from(TrainingConfig, args, stage='joint')
    assert config.rate_factors == (('backbone', 0.0), ('prn', 0.5))
    assert (config.relative, config.bf16, config.epochs) == (True, False, 7)
    assert settings_from(Augmentation, args).scale == (0.5, 2.0)
    assert settings_from(WindowSampling, args, count=1).largest == 3


def test_a_field_is_all_that_a_new_option_needs():
    @dataclasses.dataclass(frozen=True)
    class Settings:
        hidden: int = 1
        warmup_steps: int = option(5, 'learning', 'steps until the full rate', metavar='N')

    (made,) = options_of(Settings)
    parser = argparse.ArgumentParser()
    made.add(parser)
    assert settings_from(Settings, parser.parse_args(['--warmup-steps', '8'])) == Settings(1, 8)
    assert 'steps until the full rate (default: 5)' in ' '.join(parser.format_help().split())
    assert to_markdown([made]).splitlines()[-1] == '| `--warmup-steps N` | 5 | steps until the full rate |'


def test_no_two_options_are_called_the_same():
    flags = [one.flag for one in options('joint')]
    assert len(flags) == len(set(flags)) > 50
