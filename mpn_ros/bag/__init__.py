"""Recordings of ROS 2 (rosbag2) without ROS: images in, the same recording with their people out."""
