"""From image messages to arrays, every byte checked. Any object with the fields of the messages will do: nothing of ROS
is imported."""
