"""The lifecycle node ``pose``: configure loads the network, activate listens to the cameras, one worker answers
them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.timer import Timer

from mpn_ros.errors import MpnError
from mpn_ros.parameters import Parameters
from mpn_ros.ros import diagnostics
from mpn_ros.ros.bridge import find_bridge
from mpn_ros.ros.camera import ANSWERS, Camera
from mpn_ros.ros.humans import Humans
from mpn_ros.ros.parameter_server import ParameterServer
from mpn_ros.ros.pipeline import facts, load_pipeline, thresholds
from mpn_ros.serving.inference import Inference
from mpn_ros.serving.statistics import WINDOW
from mpn_ros.serving.worker import Worker

if TYPE_CHECKING:
    from mpn_ros.pipeline.pipeline import PosePipeline

STEADY = Clock(clock_type=ClockType.STEADY_TIME)
"""What timers go by: with use_sim_time the node's own clock stands still until somebody publishes /clock."""
FAULT_LOG_PERIOD = 5.
"""Seconds for which the log is silent after a faulty frame; /diagnostics counts them all."""


class PoseNode(LifecycleNode):
    """People in the images of one or several cameras.

    ``make_pipeline(parameters)`` loads what answers; it raises MpnError, whose sentence is logged and the transition
    refused. Raises ParameterError for a start value outside its range.
    """

    def __init__(self, make_pipeline: Callable[[Parameters], PosePipeline] = load_pipeline, **options: Any) -> None:
        super().__init__('pose', **options)
        self._make_pipeline = make_pipeline
        self._pipeline: PosePipeline | None = None
        self._cameras: list[Camera] = []
        self._humans: Humans | None = None
        self._worker: Worker | None = None
        self._told: dict[Camera, str | None] = {}
        self._heartbeat: Timer | None = None
        self._parameter_server = ParameterServer(self, lambda: self._pipeline is not None, self._follow)
        if self._values().autostart:
            self._autostart = self.create_timer(0., self._start, clock=STEADY)

    def _values(self) -> Parameters:
        return self._parameter_server.values

    def _follow(self, values: Parameters) -> None:
        if self._pipeline is not None:
            self._pipeline.thresholds = thresholds(values)

    def _start(self) -> None:
        self._autostart.cancel()
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads the network and makes the topics; nothing is left of it if it fails."""
        return self._attempt('configure', self._configure, undo=self._dispose)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listens and answers."""
        return self._attempt('activate', lambda: super(PoseNode, self).on_activate(state), self._open,
                             undo=lambda: self._silence(state))

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answers the frame at hand and listens no more."""
        return self._attempt('deactivate', lambda: self._silence(state))

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Gives the network and the topics back."""
        return self._attempt('clean up', self._dispose)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From any state."""
        return self._attempt('shut down', self._dispose)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a transition that could not be taken back: gives everything back, so that the node is unconfigured."""
        return self._attempt('give everything back', self._dispose)

    @property
    def unrecoverable(self) -> str:
        """Why only a new process can answer again: the device is lost, or the network has been at work on one image for
        longer than ``inference_timeout``. Empty as long as there is hope; may be asked from any thread."""
        worker, limit = self._worker, self._values().inference_timeout
        if worker is None or worker.lost:
            return '' if worker is None else worker.lost
        return f'the network has worked on one image for more than {limit:g} s' if 0 < limit < worker.busy else ''

    def destroy_node(self) -> None:
        """Stops answering, then ends the node."""
        self._dispose()
        super().destroy_node()

    def _attempt(self, name: str, *steps: Callable[[], object],
                 undo: Callable[[], None] | None = None) -> TransitionCallbackReturn:
        """Runs a transition. rclpy swallows what it raises, so it is logged here: a user's error as one sentence.

        FAILURE if ``undo`` has brought the state before it back; else ERROR, which leads to ``on_error``."""
        try:
            for step in steps:
                step()
            return TransitionCallbackReturn.SUCCESS
        except MpnError as error:
            self.get_logger().error(f'cannot {name}: {error}')
        except Exception:
            self.get_logger().error(f'cannot {name}, and this is a bug: {traceback.format_exc()}')
        if undo is None:
            return TransitionCallbackReturn.ERROR
        undone = self._attempt(f'go back from a failed {name}', undo) == TransitionCallbackReturn.SUCCESS
        return TransitionCallbackReturn.FAILURE if undone else TransitionCallbackReturn.ERROR

    def _configure(self) -> None:
        values = self._values()
        bridge, sentence = find_bridge() if values.use_cv_bridge else (None, 'cv_bridge is not wanted')
        self.get_logger().info(sentence)
        self._humans = Humans(self, ANSWERS) if values.publish_humans else None
        self._pipeline = self._make_pipeline(values)
        for name in values.cameras:
            self._cameras.append(Camera(self, name, self._values, bridge, self._humans))
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._heartbeat = self.create_timer(values.diagnostics_period, self._diagnose, clock=STEADY)
        told = ', '.join(f'{key} {value}' for key, value in facts(self._pipeline).items())
        self.get_logger().info(f"configured: {told}; listens to {', '.join(camera.topic for camera in self._cameras)}")

    def _open(self) -> None:
        assert self._pipeline is not None
        self._worker = Worker(Inference(self._pipeline, self._report), self._report, lambda: self._values().batch_wait)
        for camera in self._cameras:
            camera.open(self._worker.offer)

    def _close(self) -> None:
        for camera in self._cameras:
            camera.close()
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _silence(self, state: LifecycleState) -> None:
        self._close()
        super().on_deactivate(state)

    def _dispose(self) -> None:
        self._close()
        while self._cameras:
            self._cameras.pop().destroy()
        if self._humans is not None:
            self._humans.destroy()
            self._humans = None
        if self._heartbeat is not None:
            self.destroy_timer(self._heartbeat)
            self.destroy_publisher(self._diagnostics)
            self._heartbeat = None
        self._pipeline = None
        self._told.clear()

    def _report(self, sentence: str) -> None:
        self.get_logger().error(sentence, throttle_duration_sec=FAULT_LOG_PERIOD)

    def _warning(self, worker: Worker) -> str | None:
        if (busy := worker.busy) > WINDOW:
            return f'the network has worked on one image for {busy:.0f} s'
        if self.get_node_names_and_namespaces().count((self.get_name(), self.get_namespace())) > 1:
            return f"another node is called '{self.get_fully_qualified_name()}', or was until some seconds ago"
        return None

    def _diagnose(self) -> None:
        assert self._pipeline is not None
        told = facts(self._pipeline)  # now, for the backend 'auto' may have gone on to the next one
        message = DiagnosticArray()
        message.header.stamp = self.get_clock().now().to_msg()
        for camera in self._cameras:
            name = f"{self.get_fully_qualified_name()}{f': {camera.name}' if camera.name else ''}"
            if self._worker is None:
                message.status.append(diagnostics.inactive(name, camera.topic, told))
                continue
            foreign = camera.foreign_type()
            if foreign and foreign != self._told.get(camera):
                self.get_logger().error(foreign)
            self._told[camera] = foreign
            message.status.append(diagnostics.status(
                name, camera.topic, camera.counters.snapshot(), self._values().camera_timeout,
                self.unrecoverable or foreign, self._warning(self._worker), told))
        self._diagnostics.publish(message)
