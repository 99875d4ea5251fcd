"""Which keypoints a network's keypoints are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mpn_ros.errors import WeightsError
from mpn_ros.families.signature import Signature
from mpn_ros.skeleton import COCO, SkeletonLayout, make_layout


def names_of(signature: Signature, count: int | None, stated: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the ``count`` keypoints (None: the file leaves it open): those of the file beside the network under
    'keypoints', else those that it has ``stated`` itself, else COCO's. Raises WeightsError where they are not as
    many."""
    beside = tuple(name.strip() for name in signature.metadata.get('keypoints', '').split(',') if name.strip())
    names = beside or tuple(stated) or COCO.names
    if count is not None and count != len(names):
        if names is not COCO.names:
            raise WeightsError(f'{signature.source} gives {count} keypoints, and {len(names)} have names')
        raise WeightsError(
            f"{signature.source} gives {count} keypoints, which are not COCO's {len(COCO)}: name them "
            "under 'keypoints' in a file beside it (docs/models.md)"
        )
    return names


def layout_of(names: Sequence[str], source: str) -> tuple[SkeletonLayout, np.ndarray]:
    """The layout that the pipeline answers with, and for each of its keypoints which of the network's it is: COCO's
    own where the names are COCO's in any order, else a layout of these names without bones. Raises WeightsError for
    names that make none."""
    if sorted(names) == sorted(COCO.names):
        return COCO, np.array([list(names).index(name) for name in COCO.names])
    try:
        return make_layout(names, ()), np.arange(len(names))
    except ValueError as error:
        raise WeightsError(f'{source} has keypoints that make no skeleton: {error}') from error
