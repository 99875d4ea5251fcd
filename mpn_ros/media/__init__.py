"""Pictures, animations and videos in and out of files; pixels are BGR, as OpenCV has them."""

from mpn_ros.media.images import read_image, write_image
from mpn_ros.media.kinds import is_image
from mpn_ros.media.video import VideoFrame, VideoReader
from mpn_ros.media.writer import TimedVideo, VideoWriter

__all__ = ['VideoFrame', 'TimedVideo', 'VideoReader', 'VideoWriter', 'is_image', 'read_image', 'write_image']
