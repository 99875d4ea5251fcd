# make demo    the node on the real middleware, on a clip: demo/overlay.mp4, demo/overlay.png, demo/summary.json
# make test    the whole test suite, the ROS tests among it
# make setup   what both need, in .venv; seconds when nothing has changed
# make colcon  the same tree as colcon builds it, in build/, install/ and log/
# make clean   removes everything that the others made
# PYTHON names the Python to use, 3.10 to 3.13. pip's own settings hold: PIP_EXTRA_INDEX_URL with PyTorch's index of CPU builds
# makes the download of torch ten times smaller.

PYTHON ?= python3
VENV := $(CURDIR)/.venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check

# The environment is .venv and nothing else: a ROS 2 that was sourced in this shell would be mixed with the one in .venv.
unexport PYTHONPATH COLCON_PREFIX_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
export VIRTUAL_ENV := $(VENV)
export AMENT_PREFIX_PATH := $(VENV)
export CMAKE_PREFIX_PATH := $(VENV)
export PATH := $(VENV)/bin:$(PATH)
export FASTDDS_DEFAULT_PROFILES_FILE := $(CURDIR)/config/fastdds_large_images.xml
export FASTRTPS_DEFAULT_PROFILES_FILE := $(FASTDDS_DEFAULT_PROFILES_FILE)

# Each step of the setup leaves an empty file, and is done again when something that it was made from is newer.
DONE := $(VENV)/.done
REQUIREMENTS := $(addprefix requirements/,base.txt test.txt ros-kilted.txt ros-build-kilted.txt)
# Python compiles what it imports; pip would compile all of torch first.
INSTALL := $(PIP) install --no-compile --constraint requirements/lock.txt
BUILD := $(PIP) install --no-build-isolation --no-deps --force-reinstall
BUILD_SUPPORT := build_support/ament_wheel.py build_support/include_directories.cmake
SOURCES := CMakeLists.txt package.xml pyproject.toml setup.py scripts/pose_node \
  $(shell find mpn_ros msg config launch models rviz -type f -not -name '*.pyc')
STAND_IN := $(shell find compat/vision_msgs -path '*/build' -prune -o -path '*.egg-info' -prune -o -type f -print)

.PHONY: demo test setup colcon clean

demo: setup
	$(VENV)/bin/python scripts/demo.py

test: setup
	$(VENV)/bin/python -m pytest

setup: $(DONE)/mpn_ros

$(DONE)/venv:
	@$(PYTHON) build_support/check_host.py
	@echo '[1/4] .venv: a virtual environment of $(PYTHON)'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --quiet pip==26.3
	@mkdir -p $(DONE) && touch $@

$(DONE)/requirements: $(DONE)/venv $(REQUIREMENTS) requirements/lock.txt
	@echo '[2/4] libraries and ROS 2'
	@$(INSTALL) $(addprefix -r ,$(REQUIREMENTS))
	@touch $@

$(DONE)/vision_msgs: $(DONE)/requirements $(STAND_IN) $(BUILD_SUPPORT)
	@echo '[3/4] vision_msgs'
	@$(BUILD) ./compat/vision_msgs
	@touch $@

$(DONE)/mpn_ros: $(DONE)/vision_msgs $(SOURCES) $(BUILD_SUPPORT)
	@echo '[4/4] mpn_ros'
	@$(BUILD) .
	@touch $@

colcon: $(DONE)/requirements
	$(INSTALL) -r requirements/colcon.txt
	colcon build --base-paths . compat/vision_msgs --event-handlers console_cohesion+

clean:
	rm -rf .venv build install log demo mpn_ros.egg-info compat/vision_msgs/build compat/vision_msgs/vision_msgs.egg-info
