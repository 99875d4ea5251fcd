"""MultiPoseNet perception for ROS 2. Light on purpose: importing ``mpn_ros.msg`` must not load torch."""

from pkgutil import extend_path

# The generated messages (mpn_ros.msg) are installed beside the sources; this finds them from a source checkout too.
__path__ = extend_path(__path__, __name__)

__version__ = '0.1.0'
