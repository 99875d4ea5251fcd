"""Windows: the parts of an image for a second look, each at the size at which the network sees its people well.

A network sees a person best at one size (docs/second_look.md has the curve). The first look at the whole image says
where people are; a window shows one or a few of them at that size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mpn_ros.conventions import INPUT_MULTIPLE, ChannelOrder
from mpn_ros.errors import ParameterError
from mpn_ros.pipeline.letterbox import Letterbox

MOST_WINDOWS = 32
"""The most windows of an image that may be asked for."""
AREA_OF_BOX = 0.523
"""A person's area by that of the box: the median of COCO's outlines."""
_NEARLY = 0.95  # a smaller shape is taken if it shows people at nearly the size of the best


@dataclass(frozen=True)
class WindowSettings:
    """Which people get a window, and how they lie in it. All sizes are square roots of a person's area, in pixels of
    the network's input.

    wanted: the size of a person in a window. filled: the most of a window's width or height that a box may take.
    right: people whose size in the first look lies between these are seen well already and left alone. shared: sizes
    between which people may share a window. faint: the score from which a person is worth a window. shapes: (width,
    height) of the windows.
    """

    wanted: float = 85.0
    filled: float = 0.9
    right: tuple[float, float] = (80.0, 150.0)
    shared: tuple[float, float] = (55.0, 140.0)
    faint: float = 0.05
    shapes: tuple[tuple[int, int], ...] = ((128, 192), (192, 128), (256, 192))

    def __post_init__(self) -> None:
        if not self.shapes or any(
            side % INPUT_MULTIPLE or side < INPUT_MULTIPLE for shape in self.shapes for side in shape
        ):
            raise ParameterError(f'sides of windows must be multiples of {INPUT_MULTIPLE}, not {self.shapes}')


@dataclass(frozen=True)
class Window:
    """A rectangle of an image as an input of the network.

    corner: (x, y) of its first pixel in the image. letterbox: how the rectangle lies in the input. people: the rows of
    the boxes that it is for.
    """

    corner: tuple[int, int]
    letterbox: Letterbox
    people: tuple[int, ...]

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the input."""
        return self.letterbox.input_size

    def cut(self, image: np.ndarray) -> np.ndarray:
        """The rectangle of an image ``(H, W, 3)``, as a view."""
        (x, y), (width, height) = self.corner, self.letterbox.image_size
        return image[y : y + height, x : x + width]

    def apply(self, image: np.ndarray, channel_order: ChannelOrder, pad_value: int) -> np.ndarray:
        """The rectangle of an image ``(H, W, 3)`` uint8 as an input ``(h, w, 3)`` RGB uint8."""
        return self.letterbox.apply(self.cut(image), channel_order, pad_value)

    def boxes_to_input(self, boxes: np.ndarray) -> np.ndarray:
        """Edges ``(..., 4)`` from image to input pixels."""
        return ((boxes - np.tile(self.corner, 2)) * np.tile(self.letterbox.scale, 2)).astype(np.float32)

    def boxes_to_image(self, boxes: np.ndarray) -> np.ndarray:
        """Edges ``(..., 4)`` from input to image pixels."""
        return self.letterbox.boxes_to_image(boxes) + np.tile(self.corner, 2).astype(np.float32)

    def points_to_image(self, points: np.ndarray) -> np.ndarray:
        """Points ``(..., 2)`` that count from pixel centres, from input to image pixels."""
        return self.letterbox.points_to_image(points) + np.array(self.corner, np.float32)


def check_refine(windows: int) -> None:
    """Raises ParameterError unless an image may have that many windows at most."""
    if not 0 <= windows <= MOST_WINDOWS:
        raise ParameterError(f'refine must be 0 to {MOST_WINDOWS} windows, not {windows}')


def person_size(boxes: np.ndarray) -> np.ndarray:
    """The sizes ``(M,)`` of people by their boxes ``(M, 4 or more)`` x0, y0, x1, y1: the square root of their area."""
    sides = (boxes[:, 2:4] - boxes[:, :2]).clip(1e-6)
    return np.sqrt(AREA_OF_BOX * sides.prod(1))


def make_window(
    image_size: tuple[int, int],
    box: np.ndarray,
    zoom: float,
    input_size: tuple[int, int],
    people: Sequence[int] = (),
) -> Window:
    """The window of ``input_size`` (width, height) around ``box`` ``(4,)`` of an image of ``image_size`` (width,
    height), ``zoom`` input pixels for each of the image's.

    It is moved inside the image where it would reach over its border: what is there tells more than padding. Padding
    is left where the image is smaller than the window.
    """
    corner, source, content = [], [], []
    for low, high, size, side in zip(box[:2], box[2:4], image_size, input_size):
        length = min(max(1, round(side / zoom)), size)
        first = min(max(0, round((low + high - length) / 2)), size - length)
        corner.append(int(first))
        source.append(int(length))
        content.append(side if length < size else int(min(side, max(1, round(length * zoom)))))
    letterbox = Letterbox((source[0], source[1]), (content[0], content[1]), input_size)
    return Window((corner[0], corner[1]), letterbox, tuple(people))


def plan_windows(
    image_size: tuple[int, int], boxes: np.ndarray, scale: float, most: int, settings: WindowSettings
) -> list[Window]:
    """The windows, at most ``most``, for the people of an image of ``image_size`` (width, height).

    boxes: ``(M, 5)`` x0, y0, x1, y1, score in the image's pixels, best first. scale: pixels of the first look for each
    of the image's. Who comes first in ``boxes`` comes first here; those who stand close share a window where all of
    them have a size within ``settings.shared``.
    """
    sizes = person_size(boxes)
    left_alone = (settings.right[0] <= sizes * scale) & (sizes * scale <= settings.right[1])
    waiting = np.flatnonzero((boxes[:, 4] >= settings.faint) & ~left_alone).tolist()
    centres = (boxes[:, :2] + boxes[:, 2:4]) / 2
    windows: list[Window] = []
    while waiting and len(windows) < most:
        people = [waiting.pop(0)]
        box, zoom, shape = _view(boxes[people, :4], sizes[people], settings)
        distance = np.hypot(*(centres[waiting] - centres[people[0]]).T)
        for other in [waiting[index] for index in distance.argsort(kind='stable')]:
            together = [*people, other]
            view = _view(boxes[together, :4], sizes[together], settings)
            low, high = settings.shared
            if low <= (seen := sizes[together] * view[1]).min() and seen.max() <= high:
                people, (box, zoom, shape) = together, view
        waiting = [person for person in waiting if person not in people]
        windows.append(make_window(image_size, box, zoom, shape, people))
    return windows


def _view(boxes: np.ndarray, sizes: np.ndarray, settings: WindowSettings) -> tuple[np.ndarray, float, tuple[int, int]]:
    """The box around ``boxes`` ``(P, 4)``, the zoom at which people of ``sizes`` ``(P,)`` are seen best in one window,
    and the smallest shape of a window that allows it."""
    box = np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])
    wanted = settings.wanted / np.exp(np.log(sizes).mean())
    sides = np.maximum(box[2:] - box[:2], 1e-6)
    zooms = [min(wanted, *(settings.filled * np.array(shape) / sides)) for shape in settings.shapes]
    enough = [(shape, zoom) for shape, zoom in zip(settings.shapes, zooms) if zoom >= _NEARLY * max(zooms)]
    shape, zoom = min(enough, key=lambda pair: (pair[0][0] * pair[0][1], -pair[1]))
    return box, float(zoom), shape
