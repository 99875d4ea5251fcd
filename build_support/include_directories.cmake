# Two corrections that messages built against the ROS 2 wheels of PyPI need, after rosidl_generate_interfaces. Neither
# changes anything with a ROS 2 that was installed from Debian packages.

# The wheels export include directories of the machine that built them, and CMake refuses a target with a directory
# that does not exist.
get_property(_targets DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(_target IN LISTS _targets)
  get_target_property(_directories ${_target} INTERFACE_INCLUDE_DIRECTORIES)
  if(_directories)
    set(_existing "")
    foreach(_directory IN LISTS _directories)
      if(_directory MATCHES "^\\$<" OR EXISTS "${_directory}")
        list(APPEND _existing "${_directory}")
      endif()
    endforeach()
    set_property(TARGET ${_target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${_existing}")
  endif()
endforeach()

# NumPy's headers would be exported in turn, and CMake refuses to export a directory inside the source tree, where a
# .venv is.
set(_target ${PROJECT_NAME}__rosidl_generator_py)
get_target_property(_directories ${_target} INTERFACE_INCLUDE_DIRECTORIES)
if(_directories)
  list(TRANSFORM _directories REPLACE "^(/.*)" "$<BUILD_INTERFACE:\\1>")
  set_property(TARGET ${_target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${_directories}")
endif()
