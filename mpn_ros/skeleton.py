"""The keypoints of a person: names, order, bones, mirror and OKS constants, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

UNIFORM_SIGMA = 0.067
"""The OKS constant of keypoints that nobody has measured one for: the mean of COCO's."""


@dataclass(frozen=True)
class SkeletonLayout:
    """A set of K keypoints.

    Attributes:
        names: K names, in the order of all arrays of keypoints.
        edges: index pairs of the bones to draw.
        flip: the permutation of the K keypoints of a mirrored person.
        sigmas: K constants of OKS, as fractions of the square root of the person's area.

    Raises:
        ValueError: the parts are not of one K.

    Examples:
        >>> len(COCO), COCO.names[:3]
        (17, ('nose', 'left_eye', 'right_eye'))
        >>> COCO.names[COCO.flip[COCO.names.index('left_wrist')]]
        'right_wrist'
    """

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    flip: tuple[int, ...]
    sigmas: tuple[float, ...]

    def __post_init__(self) -> None:
        k = len(self.names)
        if len(self.sigmas) != k or sorted(self.flip) != list(range(k)):
            raise ValueError(f'a layout of {k} keypoints needs {k} sigmas and a permutation of {k} as its flip')
        if any(not 0 <= i < k for edge in self.edges for i in edge):
            raise ValueError(f'edges must join keypoints 0 to {k - 1}')

    def __len__(self) -> int:
        return len(self.names)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> SkeletonLayout:
        """The inverse of ``dataclasses.asdict``.

        Args:
            data: Its fields by name, also after JSON.

        Returns:
            The layout.

        Raises:
            ValueError: The fields contradict each other; TypeError or KeyError where they are others.
        """
        edges = tuple((first, second) for first, second in data['edges'])
        return SkeletonLayout(tuple(data['names']), edges, tuple(data['flip']), tuple(data['sigmas']))


def make_layout(
    names: Sequence[str],
    edges: Sequence[tuple[int, int]],
    *,
    sigmas: Sequence[float] | None = None,
    pairs: Sequence[tuple[str, str]] = (),
) -> SkeletonLayout:
    """A layout whose mirror comes from the names: ``left_x`` changes places with ``right_x``.

    Args:
        names: of the K keypoints.
        edges: index pairs of the bones.
        sigmas: K constants of OKS; by default all are ``UNIFORM_SIGMA``.
        pairs: names that change places, too, and do not say so.

    Returns:
        The layout.

    Raises:
        ValueError: a name comes twice or has no partner.

    Examples:
        >>> make_layout(['tail', 'left_wing', 'right_wing'], [(0, 1), (0, 2)]).flip
        (0, 2, 1)
    """
    partner = dict(pairs) | {second: first for first, second in pairs}
    swap = {'left': 'right', 'right': 'left'}
    for name in names:
        side, _, rest = name.partition('_')
        partner.setdefault(name, f'{swap[side]}_{rest}' if side in swap else name)
    if len(set(names)) < len(names):
        raise ValueError('two keypoints have one name')
    for name, other in partner.items():
        if name not in names or other not in names:
            raise ValueError(f"keypoint '{name}' has no '{other}' to change places with in the mirror")
    flip = tuple(names.index(partner[name]) for name in names)
    return SkeletonLayout(tuple(names), tuple(edges), flip, tuple(sigmas or [UNIFORM_SIGMA] * len(names)))


COCO = make_layout(
    names=(
        'nose',
        'left_eye',
        'right_eye',
        'left_ear',
        'right_ear',
        'left_shoulder',
        'right_shoulder',
        'left_elbow',
        'right_elbow',
        'left_wrist',
        'right_wrist',
        'left_hip',
        'right_hip',
        'left_knee',
        'right_knee',
        'left_ankle',
        'right_ankle',
    ),
    edges=(
        (15, 13),
        (13, 11),
        (16, 14),
        (14, 12),
        (11, 12),
        (5, 11),
        (6, 12),
        (5, 6),
        (5, 7),
        (6, 8),
        (7, 9),
        (8, 10),
        (1, 2),
        (0, 1),
        (0, 2),
        (1, 3),
        (2, 4),
        (3, 5),
        (4, 6),
    ),
    sigmas=(
        0.026,
        0.025,
        0.025,
        0.035,
        0.035,
        0.079,
        0.079,
        0.072,
        0.072,
        0.062,
        0.062,
        0.107,
        0.107,
        0.087,
        0.087,
        0.089,
        0.089,
    ),
)
"""The 17 keypoints of COCO in their published order; sigmas from the COCO keypoint evaluation."""


@lru_cache
def _variance(sigmas: tuple[float, ...]) -> np.ndarray:
    return -2 * (2 * np.array(sigmas)) ** 2


def keypoint_similarity(
    keypoints: np.ndarray, truth: np.ndarray, area: np.ndarray | float, layout: SkeletonLayout = COCO
) -> np.ndarray:
    """What each keypoint adds to ``oks``. The dimensions before K broadcast.

    Args:
        keypoints: ``(..., K, 2)`` in pixels.
        truth: ``(..., K, 2)`` in pixels.
        area: ``(...)`` of the people, square pixels.
        layout: What the K keypoints of ``truth`` are.

    Returns:
        ``(..., K)``, 0..1.
    """
    offset = keypoints - truth
    distance = offset[..., 0] ** 2 + offset[..., 1] ** 2
    return np.exp(distance / (_variance(layout.sigmas) * (np.asarray(area)[..., None] + np.spacing(1.0))))


def oks(
    keypoints: np.ndarray,
    truth: np.ndarray,
    visible: np.ndarray,
    area: np.ndarray | float,
    layout: SkeletonLayout = COCO,
) -> np.ndarray:
    """Object keypoint similarity (section 4.1). The dimensions before K broadcast.

    Args:
        keypoints: Poses ``(..., K, 2)`` in pixels.
        truth: ``(..., K, 2)`` in pixels.
        visible: ``(..., K)`` bool: the keypoints that count; the others may be NaN.
        area: ``(...)`` of the people, square pixels.
        layout: What the K keypoints are.

    Returns:
        ``(...)``, 0..1; 0 where nothing is visible.

    Examples:
        >>> pose = np.zeros((17, 2))
        >>> float(oks(pose, pose, np.ones(17, bool), 100.0))
        1.0
    """
    similarity = keypoint_similarity(keypoints, truth, area, layout)
    return np.where(visible, similarity, 0).sum(-1) / np.maximum(visible.sum(-1), 1)
