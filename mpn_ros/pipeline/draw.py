"""A result painted over its image: the mask as a soft tint, boxes with scores and ids, skeletons coloured by side."""

from __future__ import annotations

import cv2
import numpy as np

from mpn_ros.conventions import ChannelOrder
from mpn_ros.result import Person, PoseResult
from mpn_ros.skeleton import SkeletonLayout

Colour = tuple[int, int, int]

# BGR. Left and right are the person's own, told apart by colour-blind people too: orange and blue.
SIDES: dict[str, Colour] = {'left': (48, 150, 255), 'right': (255, 170, 60), 'centre': (210, 240, 225)}
TINT: Colour = (190, 70, 150)
BOX: Colour = (235, 235, 235)
SHADOW: Colour = (25, 25, 25)
TINT_OPACITY = 0.45

SUBPIXEL_BITS = 4
"""OpenCV draws on a grid of 1/16 pixel with this shift."""

FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(image: np.ndarray, result: PoseResult, channel_order: ChannelOrder = 'bgr') -> np.ndarray:
    """Draws a result on a copy of its image; lines grow with the image and with each person.

    Keypoints that are not visible are left out, and the bones that end in them. People are drawn from the least to the
    most sure, so that the best is on top. Mask and people may be empty, and there may be no mask.

    Args:
        image: ``(H, W, 3)`` uint8.
        result: What was found in it.
        channel_order: 'rgb' or 'bgr', of the image and of what is returned.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    # All colours below are BGR; an RGB picture is drawn on through its reversed channels.
    canvas = np.ascontiguousarray(image[..., ::-1] if channel_order == 'rgb' else image).copy()
    if result.mask is not None:
        _blend_mask(canvas, result.mask)
    unit = max(1.0, max(canvas.shape[:2]) / 640)
    for person in reversed(result.people):
        _draw_box(canvas, person, unit)
        _draw_skeleton(canvas, person, result.layout, unit)
    return np.ascontiguousarray(canvas[..., ::-1]) if channel_order == 'rgb' else canvas


def _blend_mask(canvas: np.ndarray, mask: np.ndarray) -> None:
    """Blends the tint in where the mask is, with an edge that fades over about one percent of the image."""
    if not mask.any():
        return
    softness = max(1.0, max(canvas.shape[:2]) / 300)
    reach = int(np.ceil(3 * softness))
    x, y, width, height = cv2.boundingRect(mask)
    rows = slice(max(0, y - reach), y + height + reach)
    columns = slice(max(0, x - reach), x + width + reach)
    region = canvas[rows, columns]
    opacity = cv2.GaussianBlur(mask[rows, columns], (0, 0), softness).astype(np.float32) * (TINT_OPACITY / 255)
    tint = np.empty_like(region)
    tint[:] = TINT
    canvas[rows, columns] = cv2.blendLinear(np.ascontiguousarray(region), tint, 1 - opacity, opacity)


def _draw_box(canvas: np.ndarray, person: Person, unit: float) -> None:
    thickness = max(1, round(0.7 * unit))
    x0, y0, x1, y1 = (int(round(float(edge))) for edge in person.box)
    # A dark line around the light one, so that it shows on snow as on asphalt.
    cv2.rectangle(canvas, (x0 - thickness, y0 - thickness), (x1 - 1 + thickness, y1 - 1 + thickness), SHADOW, thickness)
    cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), BOX, thickness)
    label = label_text(person)
    scale = 0.38 * unit
    (width, height), _ = cv2.getTextSize(label, FONT, scale, thickness)
    margin = max(2, round(3 * unit))
    # Above the box, or inside it where the image ends.
    top = y0 - height - 2 * margin if y0 >= height + 2 * margin else y0
    left = min(x0, canvas.shape[1] - width - 2 * margin)
    cv2.rectangle(canvas, (left, top), (left + width + 2 * margin, top + height + 2 * margin), BOX, cv2.FILLED)
    cv2.putText(canvas, label, (left + margin, top + height + margin), FONT, scale, SHADOW, thickness, cv2.LINE_AA)


def _draw_skeleton(canvas: np.ndarray, person: Person, layout: SkeletonLayout, unit: float) -> None:
    x0, y0, x1, y1 = person.box
    extent = max(float(x1 - x0), float(y1 - y0))
    bone = max(1, round(min(extent / 90, 3.5 * unit)))
    outline = bone + 2 * max(1, bone // 3)
    keypoint = round(bone * 0.95 * 2**SUBPIXEL_BITS)
    seen, points = person.visible, _to_subpixels(person.keypoints[:, :2], canvas.shape)
    bones = [(a, b) for a, b in layout.edges if seen[a] and seen[b]]
    # The dark outline of everything first, or it would cut through the bones that cross.
    for a, b in bones:
        cv2.line(canvas, points[a], points[b], SHADOW, outline, cv2.LINE_AA, SUBPIXEL_BITS)
    for a, b in bones:
        cv2.line(canvas, points[a], points[b], SIDES[body_side(layout, a, b)], bone, cv2.LINE_AA, SUBPIXEL_BITS)
    for index in np.flatnonzero(seen).tolist():
        cv2.circle(canvas, points[index], keypoint + 2**SUBPIXEL_BITS, SHADOW, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.circle(
            canvas, points[index], keypoint, SIDES[body_side(layout, index)], cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS
        )


def _to_subpixels(points: np.ndarray, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Points in OpenCV's fixed-point numbers; those that are not seen become 0, 0 and are not drawn. One image beyond
    the edge is far enough: OpenCV's own integers end there."""
    height, width = shape[:2]
    clipped = np.clip(np.nan_to_num(points), (-width, -height), (2 * width, 2 * height))
    return [(int(x), int(y)) for x, y in np.rint(clipped * 2**SUBPIXEL_BITS)]


def label_text(person: Person) -> str:
    """Score and, where there is one, id of a person."""
    return f'{person.score:.2f}' if person.id is None else f'#{person.id} {person.score:.2f}'


def body_side(layout: SkeletonLayout, *keypoints: int) -> str:
    """'left' or 'right' if all keypoints with a side are of that one, else 'centre'."""
    sides = {layout.names[keypoint].partition('_')[0] for keypoint in keypoints} & {'left', 'right'}
    return sides.pop() if len(sides) == 1 else 'centre'
