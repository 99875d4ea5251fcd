"""Keeps the middleware of a test run to itself: other nodes on the network or in a run beside this one are not heard."""

import os

# Before any test imports rclpy; the processes that tests start inherit it. Domains above 101 collide with ports that Linux
# hands to other sockets.
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 101)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
