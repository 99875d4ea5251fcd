# Two corrections that what is built against the ROS 2 wheels of PyPI needs, after find_package and, for messages, after
# rosidl_generate_interfaces. Neither changes anything with a ROS 2 that was installed from Debian packages.

# The wheels export include directories and a library of the machine that built them, and CMake refuses a target with one
# that does not exist.
get_property(_targets DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(_target IN LISTS _targets)
  foreach(_property INTERFACE_INCLUDE_DIRECTORIES INTERFACE_LINK_LIBRARIES)
    get_target_property(_paths ${_target} ${_property})
    if(_paths)
      set(_existing "")
      foreach(_path IN LISTS _paths)
        if(NOT _path MATCHES "^/" OR EXISTS "${_path}")
          list(APPEND _existing "${_path}")
        endif()
      endforeach()
      set_property(TARGET ${_target} PROPERTY ${_property} "${_existing}")
    endif()
  endforeach()
endforeach()

# NumPy's headers would be exported in turn, and CMake refuses to export a directory inside the source tree, where a
# .venv is.
set(_target ${PROJECT_NAME}__rosidl_generator_py)
if(TARGET ${_target})
  get_target_property(_directories ${_target} INTERFACE_INCLUDE_DIRECTORIES)
  if(_directories)
    list(TRANSFORM _directories REPLACE "^(/.*)" "$<BUILD_INTERFACE:\\1>")
    set_property(TARGET ${_target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${_directories}")
  endif()
endif()
