"""From a scene to messages. Every message carries the image's header as it came: stamp and frame are never ours."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, LabelInfo, ObjectHypothesisWithPose, VisionClass

from mpn_ros.msg import Keypoint, Skeleton, SkeletonArray, SkeletonLayout
from mpn_ros.scene import Person, Scene
from mpn_ros.skeleton import COCO
from mpn_ros.skeleton import SkeletonLayout as Layout

PERSON = 'person'
"""``class_id`` of every detection and the name of the mask's only class."""
MASK_PERSON, MASK_BACKGROUND = 255, 0


def detections(scene: Scene, header: Header) -> Detection2DArray:
    """Boxes and scores, best first. ``id`` is empty: nobody is followed from image to image."""
    return Detection2DArray(header=header, detections=[_detection(person, header) for person in scene.people])


def _detection(person: Person, header: Header) -> Detection2D:
    x0, y0, x1, y1 = person.box.tolist()
    message = Detection2D(header=header)
    message.bbox.center.position.x, message.bbox.center.position.y = (x0 + x1) / 2, (y0 + y1) / 2
    message.bbox.size_x, message.bbox.size_y = x1 - x0, y1 - y0
    result = ObjectHypothesisWithPose()
    result.hypothesis.class_id, result.hypothesis.score = PERSON, float(person.score)
    message.results = [result]
    return message


def skeletons(scene: Scene, header: Header) -> SkeletonArray:
    """Boxes and joints, best first; ``image_width`` and ``image_height`` are the mask's, which is the image's size."""
    height, width = scene.mask.shape
    return SkeletonArray(header=header, image_width=width, image_height=height,
                         skeletons=[_skeleton(person) for person in scene.people])


def _skeleton(person: Person) -> Skeleton:
    message = Skeleton(score=float(person.score), box=person.box.astype(np.float32))
    message.keypoints = [Keypoint(x=x, y=y, score=score, seen=seen)
                         for (x, y, score), seen in zip(person.keypoints.tolist(), person.seen.tolist(), strict=True)]
    return message


def scene(people: SkeletonArray, mask: Image) -> Scene:
    """The inverse: what a listener has received, as the library speaks of it. ``mask`` is mono8."""
    return Scene(tuple(_person(skeleton) for skeleton in people.skeletons),
                 np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.step)[:, :mask.width])


def _person(skeleton: Skeleton) -> Person:
    keypoints = np.array([(point.x, point.y, point.score) for point in skeleton.keypoints], np.float32)
    return Person(np.array(skeleton.box, np.float32), skeleton.score, keypoints)


def image(pixels: np.ndarray, encoding: str, header: Header) -> Image:
    """``pixels`` ``(H, W)`` or ``(H, W, 3)`` uint8 as an unpadded image."""
    height, width = pixels.shape[:2]
    message = Image(header=header, height=height, width=width, encoding=encoding, step=pixels.nbytes // height)
    # Into the array that is there: assigning one copies it again, and anything else is copied element by element.
    message.data.frombytes(np.ascontiguousarray(pixels).data.cast('B'))
    return message


def label_info() -> LabelInfo:
    """What the values of the mask mean."""
    return LabelInfo(class_map=[VisionClass(class_id=MASK_BACKGROUND, class_name='background'),
                                VisionClass(class_id=MASK_PERSON, class_name=PERSON)])


def skeleton_layout(layout: Layout = COCO) -> SkeletonLayout:
    """Names and bones of the keypoints."""
    return SkeletonLayout(names=list(layout.names), edges=[index for edge in layout.edges for index in edge])
