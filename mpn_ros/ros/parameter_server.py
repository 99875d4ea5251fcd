"""The table of parameters on a node: declared with ranges and descriptions, guarded while the node runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from mpn_ros.errors import ParameterError
from mpn_ros.parameters import DEFAULTS, SPECS, Parameters, ParameterSpec


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _descriptor(name: str, spec: ParameterSpec) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(name=name, description=spec.description)
    when = 'changes at any time' if spec.live else 'changes only while the node is unconfigured'
    descriptor.additional_constraints = '; '.join(filter(None, [spec.range, spec.unit, when]))
    if spec.bounds and isinstance(DEFAULTS[name], int):
        first, last = map(int, spec.bounds)
        descriptor.integer_range = [IntegerRange(from_value=first, to_value=last, step=spec.step)]
    elif spec.bounds:
        low, high = map(float, spec.bounds)
        descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    return descriptor


class ParameterServer:
    """Declares all parameters on ``node`` and keeps ``values`` at what they are.

    ``frozen()`` says whether parameters that are not live must be refused now; ``changed(values)`` is called after each
    change. Raises ParameterError, one sentence with the allowed range, for a start value that is outside it.
    """

    def __init__(self, node: Node, frozen: Callable[[], bool], changed: Callable[[Parameters], None]) -> None:
        self._node, self._frozen, self._changed = node, frozen, changed
        for name, spec in SPECS.items():
            try:
                node.declare_parameter(name, _plain(DEFAULTS[name]), _descriptor(name, spec))
            except InvalidParameterTypeException as error:
                example = _plain(DEFAULTS[name])
                point = ', with a decimal point (1.0, not 1)' if isinstance(example, float) else ''
                allowed = f', {spec.range}' if spec.range else ''
                raise ParameterError(
                    f"parameter '{name}' must be of the type of {example!r}{point}{allowed}: {error}"
                ) from error
            except InvalidParameterValueException as error:
                wanted = spec.range or f'of the type of {_plain(DEFAULTS[name])!r}'
                raise ParameterError(f"parameter '{name}' must be {wanted}: {error}") from error
        self.values = self._read({})
        node.add_on_set_parameters_callback(self._on_set_parameters)
        self._told_afterwards = hasattr(node, 'add_post_set_parameters_callback')  # not on Humble
        if self._told_afterwards:
            node.add_post_set_parameters_callback(self._on_parameters_set)

    def _read(self, changes: dict[str, Any]) -> Parameters:
        values: dict[str, Any] = {name: changes.get(name, self._node.get_parameter(name).value) for name in SPECS}
        return Parameters(**{**values, 'cameras': tuple(values['cameras'])})

    def _on_set_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        changes = {parameter.name: parameter.value for parameter in parameters if parameter.name in SPECS}
        fixed = [name for name, value in changes.items() if not SPECS[name].live]
        if fixed and self._frozen():
            reason = (
                f"parameter '{fixed[0]}' changes only while the node is unconfigured: "
                'run the lifecycle transition cleanup first'
            )
            return SetParametersResult(successful=False, reason=reason)
        try:
            values = self._read(changes)
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        if changes and not self._told_afterwards:
            self._take(values)
        return SetParametersResult(successful=True)

    def _on_parameters_set(self, parameters: list[Parameter]) -> None:
        if any(parameter.name in SPECS for parameter in parameters):
            self._take(self._read({}))

    def _take(self, values: Parameters) -> None:
        self.values = values
        self._changed(values)
