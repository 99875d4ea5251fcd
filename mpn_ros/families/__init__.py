"""Pose networks of other people, from their ONNX or OpenVINO files, behind the pipeline's own call.

A *family* knows how a file's input is made and what its outputs mean: ``movenet``, ``rtmo``, ``yolo`` and those that
other packages register (``base.Family``). Nothing of ROS or torch is imported here, but for what ``backend`` answers
with.
"""
