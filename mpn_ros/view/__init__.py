"""A page for any browser that shows cameras and the people in them live; it needs neither ROS nor the internet."""
