"""From frames to results, the newest first: what to do next, on which thread, and what became of it. Nothing of ROS is
imported."""
