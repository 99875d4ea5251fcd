"""A teacher's heatmaps: of several sizes and mirror images, and what is learnt from them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')

from mpn_ros.errors import ParameterError  # noqa: E402
from mpn_ros.network.multiposenet import MultiPoseNet  # noqa: E402
from mpn_ros.presets import preset  # noqa: E402
from mpn_ros.skeleton import COCO  # noqa: E402
from mpn_ros.training.augment import Augmentation  # noqa: E402
from mpn_ros.training.config import TrainingConfig  # noqa: E402
from mpn_ros.training.criterion import Criterion  # noqa: E402
from mpn_ros.training.dataset import PatchDataset, collate, collate_sizes  # noqa: E402
from mpn_ros.training.teacher import Teacher  # noqa: E402
from mpn_ros.training.trainer import Trainer  # noqa: E402
from mpn_ros.training.windows import WindowDataset, WindowSampling  # noqa: E402

CONFIG = TrainingConfig(stage='keypoints', epochs=1, batch=2, rate=1e-3, warmup=1, schedule='cosine', workers=0,
                        bf16=False, rate_factors=(('backbone', 0),))  # fmt: skip


@pytest.fixture
def teacher():
    torch.manual_seed(1)
    network = MultiPoseNet(preset('lite'))
    torch.nn.init.normal_(network.keypoint_head.heatmaps.weight)  # else it says the same of every cell
    return Teacher(network)


def test_a_mirror_image_is_seen_as_the_mirror_image(teacher):
    patches = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    seen, mirrored = teacher([patches], 16), teacher([patches.flip(2)], 16)
    assert seen.std() > 1e-3
    torch.testing.assert_close(mirrored[:, [*COCO.flip, 17]].flip(-1), seen)


def test_larger_patches_show_the_same_at_the_same_place(learnt_figures):
    dataset = PatchDataset(
        learnt_figures.labelled(), 64, Augmentation(30, (1, 1), 1), preset('lite'), teacher_sizes=(64, 128)
    )
    item = dataset[0, 1]
    same, double = (patch.float() for patch in item['teacher_inputs'])
    assert torch.equal(same, item['image'].float())
    small = torch.nn.functional.avg_pool2d(double.permute(2, 0, 1), 2).permute(1, 2, 0)
    assert np.corrcoef(small.flatten(), same.flatten())[0, 1] > 0.9


def test_labels_do_not_count_beside_a_teacher(learnt_figures, teacher):
    images = learnt_figures.labelled()
    unlabelled = [dataclasses.replace(image, keypoints=np.zeros_like(image.keypoints)) for image in images]
    torch.manual_seed(0)
    criterion = Criterion(MultiPoseNet(preset('lite')), CONFIG, 64, frozenset({'heatmap'}), teacher).eval()
    losses = []
    for labelled in (images, unlabelled):
        dataset = PatchDataset(labelled, 64, Augmentation(0, (1, 1), 0), preset('lite'), teacher_sizes=(64, 96))
        losses.append(criterion([collate([dataset[0, 0], dataset[0, 1]])]))
    assert torch.equal(losses[0]['heatmap'], losses[1]['heatmap'])
    assert torch.equal(losses[0]['mask'], losses[1]['mask'])
    criterion.teacher = None
    assert criterion([collate([dataset[0, 0]])])['heatmap'] != losses[0]['heatmap']


def test_teacher_and_labels_share_the_loss(learnt_figures, teacher):
    """Windows too: the teacher looks at what the network is shown."""
    sampling, augmentation = WindowSampling(count=2, whole=0.5, size=64), Augmentation(0, (1, 1), 0)
    dataset = WindowDataset(learnt_figures.labelled(), sampling, 96, augmentation, preset('lite'))
    batches = collate_sizes(dataset.__getitems__([(0, 0), (0, 1)]))
    assert {batch['image'].shape[1] for batch in batches} == {64, 96}
    torch.manual_seed(0)
    criterion = Criterion(MultiPoseNet(preset('lite')), CONFIG, 96, frozenset({'heatmap'}), teacher).eval()
    losses = {}
    for share in (0.0, 0.25, 1.0):
        criterion.config = dataclasses.replace(CONFIG, teacher_share=share)
        losses[share] = criterion(batches)
    for name in ('heatmap', 'mask'):
        labels, both, learnt = (losses[share][name].item() for share in (0.0, 0.25, 1.0))
        assert both == pytest.approx(0.75 * labels + 0.25 * learnt) != labels
    criterion.teacher = None
    assert criterion(batches)['heatmap'] == losses[0.0]['heatmap']


def test_what_the_teacher_says_is_kept_with_the_features(learnt_figures, teacher, tmp_path):
    def run(name, views):
        torch.manual_seed(0)
        dataset = PatchDataset(
            learnt_figures.labelled(), 64, Augmentation(0, (1, 1), 0), preset('lite'), views=views, teacher_sizes=[96]
        )
        trainer = Trainer(MultiPoseNet(preset('lite')), dataset, dataclasses.replace(CONFIG, epochs=3),
                          tmp_path / name, features=tmp_path / 'features', teacher=teacher)  # fmt: skip
        asked = []
        teacher.register_forward_hook(lambda *_: asked.append(1))
        trainer.run()
        return len(asked)

    assert run('first', 1) == 2, 'two batches of one view'
    assert run('second', 1) == 0


def test_a_teacher_needs_something_to_teach(learnt_figures, teacher, tmp_path):
    dataset = PatchDataset(learnt_figures.labelled(), 64, Augmentation(), preset('lite'), teacher_sizes=[64])
    with pytest.raises(ParameterError, match='a teacher has heatmaps to teach'):
        Trainer(MultiPoseNet(preset('lite')), dataset, dataclasses.replace(CONFIG, stage='detector'), tmp_path,
                teacher=teacher)  # fmt: skip
