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
from mpn_ros.ros.bridge import probe_cv_bridge
from mpn_ros.ros.camera import Camera
from mpn_ros.ros.outputs.hri import HriPublisher
from mpn_ros.ros.parameter_server import ParameterServer
from mpn_ros.ros.pipeline import apply_settings, load_pipeline, pipeline_info
from mpn_ros.serving.inference import Inference
from mpn_ros.serving.statistics import WINDOW
from mpn_ros.serving.worker import Worker

if TYPE_CHECKING:
    from mpn_ros.pipeline.pipeline import PosePipeline

STEADY_CLOCK = Clock(clock_type=ClockType.STEADY_TIME)
"""What timers go by: with use_sim_time the node's own clock stands still until somebody publishes /clock."""
FAULT_LOG_PERIOD = 5.0
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
        self._hri: HriPublisher | None = None
        self._worker: Worker | None = None
        self._last_warning: dict[Camera, str | None] = {}
        self._heartbeat: Timer | None = None
        self._parameter_server = ParameterServer(self, lambda: self._pipeline is not None, self._on_parameters_changed)
        if self._settings.autostart:
            self._autostart = self.create_timer(0.0, self._start, clock=STEADY_CLOCK)

    @property
    def _settings(self) -> Parameters:
        return self._parameter_server.values

    def _on_parameters_changed(self, settings: Parameters) -> None:
        for camera in self._cameras:
            camera.input.settings = settings
        if self._pipeline is not None:
            apply_settings(self._pipeline, settings)

    def _start(self) -> None:
        self._autostart.cancel()
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads the network and makes the topics; nothing is left of it if it fails."""
        return self._run_transition('configure', self._configure, undo=self._release)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listens and answers."""
        return self._run_transition(
            'activate',
            lambda: super(PoseNode, self).on_activate(state),
            self._start_cameras,
            undo=lambda: self._deactivate(state),
        )

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Answers the frame at hand and listens no more."""
        return self._run_transition('deactivate', lambda: self._deactivate(state))

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Gives the network and the topics back."""
        return self._run_transition('clean up', self._release)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From any state."""
        return self._run_transition('shut down', self._release)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a transition that could not be taken back: gives everything back, so that the node is unconfigured."""
        return self._run_transition('give everything back', self._release)

    @property
    def fatal_reason(self) -> str:
        """Why only a new process can answer again: the device is lost, or the network has been at work on one image for
        longer than ``inference_timeout``. Empty as long as there is hope; may be asked from any thread."""
        worker, limit = self._worker, self._settings.inference_timeout
        if worker is None or worker.fatal_error:
            return '' if worker is None else worker.fatal_error
        return f'the network has worked on one image for more than {limit:g} s' if 0 < limit < worker.busy else ''

    def destroy_node(self) -> None:
        """Stops answering, then ends the node."""
        self._release()
        super().destroy_node()

    def _run_transition(
        self, name: str, *steps: Callable[[], object], undo: Callable[[], None] | None = None
    ) -> TransitionCallbackReturn:
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
        undone = self._run_transition(f'go back from a failed {name}', undo) == TransitionCallbackReturn.SUCCESS
        return TransitionCallbackReturn.FAILURE if undone else TransitionCallbackReturn.ERROR

    def _configure(self) -> None:
        settings = self._settings
        bridge, sentence = probe_cv_bridge() if settings.use_cv_bridge else (None, 'cv_bridge is not wanted')
        self.get_logger().info(sentence)
        self._hri = HriPublisher(self) if settings.publish_humans else None
        self._pipeline = self._make_pipeline(settings)
        apply_settings(self._pipeline, settings)
        for name in settings.cameras:
            self._cameras.append(Camera(self, name, settings, bridge, self._hri, self._pipeline.segments))
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._heartbeat = self.create_timer(settings.diagnostics_period, self._diagnose, clock=STEADY_CLOCK)
        info = ', '.join(f'{key} {value}' for key, value in pipeline_info(self._pipeline).items())
        topics = ', '.join(camera.input.topic for camera in self._cameras)
        self.get_logger().info(f'configured: {info}; listens to {topics}')

    def _start_cameras(self) -> None:
        assert self._pipeline is not None
        inference = Inference(self._pipeline, self._log_fault)
        inference.warm()
        self._worker = Worker(self._cameras, inference, self._log_fault)
        for camera in self._cameras:
            camera.open(self._worker.submit)

    def _stop_cameras(self) -> None:
        for camera in self._cameras:
            camera.close()
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _deactivate(self, state: LifecycleState) -> None:
        self._stop_cameras()
        super().on_deactivate(state)

    def _release(self) -> None:
        self._stop_cameras()
        while self._cameras:
            self._cameras.pop().destroy()
        if self._hri is not None:
            self._hri.destroy()
            self._hri = None
        if self._heartbeat is not None:
            self.destroy_timer(self._heartbeat)
            self.destroy_publisher(self._diagnostics)
            self._heartbeat = None
        self._pipeline = None
        self._last_warning.clear()

    def _log_fault(self, sentence: str) -> None:
        self.get_logger().error(sentence, throttle_duration_sec=FAULT_LOG_PERIOD)

    def _warning(self, worker: Worker) -> str | None:
        if (busy := worker.busy) > WINDOW:
            return f'the network has worked on one image for {busy:.0f} s'
        # Every node publishes there. In the list of nodes the middleware may keep one for ever that has long gone.
        everybody = self.get_publishers_info_by_topic('/parameter_events')
        mine = self.get_name(), self.get_namespace()
        if sum((one.node_name, one.node_namespace) == mine for one in everybody) > 1:
            return f"another node is called '{self.get_fully_qualified_name()}', or was until some seconds ago"
        return None

    def _diagnose(self) -> None:
        assert self._pipeline is not None
        info = pipeline_info(self._pipeline)  # now, for the backend 'auto' may have gone on to the next one
        message = DiagnosticArray()
        message.header.stamp = self.get_clock().now().to_msg()
        for camera in self._cameras:
            name = f'{self.get_fully_qualified_name()}{f": {camera.name}" if camera.name else ""}'
            if self._worker is None:
                message.status.append(diagnostics.inactive(name, camera.input.topic, info))
                continue
            mismatch = camera.topics.type_mismatch()
            if mismatch and mismatch != self._last_warning.get(camera):
                self.get_logger().error(mismatch)
            self._last_warning[camera] = mismatch
            message.status.append(
                diagnostics.status(
                    name,
                    camera.input.topic,
                    camera.statistics.snapshot(),
                    self._settings.camera_timeout,
                    self.fatal_reason or mismatch,
                    self._warning(self._worker),
                    info,
                )
            )
        self._diagnostics.publish(message)
