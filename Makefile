# make demo    the node on the real middleware, on a clip: demo/overlay.mp4, demo/overlay.png, demo/summary.json
# make test    the whole test suite, the ROS tests among it
# make fuzz    a million made-up images for the decoders, ten thousand damaged files of each kind; CASES=..., FILES=...
# make soak    the node for an hour, to see whether anything grows; MINUTES=... for another time; CLIP as with load
# make load    8 cameras at once, raw and JPEG: ages, drops, memory; CLIP=... for another video than that of make demo
# make setup   what both need, in .venv; seconds when nothing has changed
# make docs    the site of docs/ in site/, strictly: a link that leads nowhere fails
# make dist    wheel and sdist of the library in dist/, judged by twine
# make colcon  the same tree as colcon builds it, in build/, install/ and log/
# make clean   removes everything that the others made
# PYTHON names the Python to use, 3.10 to 3.13; another version than that of .venv makes .venv anew. pip's own settings
# hold: PIP_EXTRA_INDEX_URL with PyTorch's index of CPU builds makes the download of torch ten times smaller.

PYTHON ?= python3
VENV := $(CURDIR)/.venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check

# Each step of the setup leaves an empty file, and is done again when something that it was made from is newer. The
# first is named after the version of Python, which is asked for before .venv leads PATH; without PYTHON=, the one that
# .venv was made with stays.
DONE := $(VENV)/.done
HOST_PYTHON := $(or $(shell command -v $(PYTHON) 2>/dev/null),$(PYTHON))
HOST_VERSION := $(shell $(HOST_PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
INTERPRETER := $(if $(filter file,$(origin PYTHON)),$(wildcard $(DONE)/python3.*))
INTERPRETER := $(or $(INTERPRETER),$(DONE)/python$(HOST_VERSION))

# The environment is .venv and nothing else: a ROS 2 that was sourced in this shell would be mixed with that in .venv.
unexport PYTHONPATH COLCON_PREFIX_PATH LD_LIBRARY_PATH ROS_DISTRO ROS_LOCALHOST_ONLY RMW_IMPLEMENTATION
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE
export VIRTUAL_ENV := $(VENV)
export AMENT_PREFIX_PATH := $(VENV)
export CMAKE_PREFIX_PATH := $(VENV)
export PATH := $(VENV)/bin:$(PATH)
export FASTDDS_DEFAULT_PROFILES_FILE := $(CURDIR)/config/fastdds_large_images.xml
export FASTRTPS_DEFAULT_PROFILES_FILE := $(FASTDDS_DEFAULT_PROFILES_FILE)
# Logs and compiled graphs stay in it as well. pip keeps its own cache: a second clone need not download all again.
export ROS_LOG_DIR := $(VENV)/log
RUN := XDG_CACHE_HOME=$(VENV)/cache $(VENV)/bin/python

# Python compiles what it imports; pip would compile all of torch first.
INSTALL := $(PIP) install --no-compile
BUILD := $(PIP) install --no-build-isolation --no-deps --force-reinstall
BUILD_SUPPORT := build_support/ament_wheel.py build_support/foreign_paths.cmake
SOURCES := CMakeLists.txt package.xml pyproject.toml setup.py scripts/clip_player scripts/mpn scripts/pose_node \
  $(shell find mpn_ros msg config examples launch models rviz -type f -not -name '*.pyc')
STAND_IN := $(shell find compat/vision_msgs -path '*/build' -prune -o -path '*.egg-info' -prune -o -type f -print)

CASES := 1000000
FILES := 10000
MINUTES := 60
CLIP := demo/cam01.mp4
SECONDS := 60
RESULTS = benchmarks/$(shell date +%F)

# Tools that the tests do not need, each in an environment of its own.
TOOLS := $(CURDIR)/.tools

.PHONY: demo test fuzz soak load setup docs dist colcon clean

demo: setup
	$(RUN) scripts/demo.py

# Training has a process of its own: with all libraries of the other tests in one, PyTorch has crashed there.
test: setup
	$(RUN) -m pytest --ignore=test/training
	$(RUN) -m pytest test/training

fuzz: setup
	$(RUN) -m benchmarks.fuzz --cases $(CASES) --files $(FILES) --json $(RESULTS)/fuzz.json

soak: setup
	$(RUN) -m benchmarks.soak --minutes $(MINUTES) --clip $(CLIP) --json $(RESULTS)/soak.json --plot $(RESULTS)/soak.png

load: setup
	$(RUN) -m benchmarks.load --clip $(CLIP) --seconds $(SECONDS) --json $(RESULTS)/load.json

docs: $(TOOLS)/docs/.done
	$(TOOLS)/docs/bin/python -m mkdocs build

dist: $(TOOLS)/dist/.done
	rm -rf dist
	$(TOOLS)/dist/bin/python -m build --outdir dist .
	$(TOOLS)/dist/bin/python -m twine check --strict dist/*

$(TOOLS)/%/.done: requirements/%.txt
	@$(HOST_PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	@touch $@

setup: $(DONE)/mpn_ros

$(INTERPRETER):
	@$(HOST_PYTHON) build_support/check_host.py
	@echo '[1/4] .venv: a virtual environment of $(HOST_PYTHON)'
	@$(HOST_PYTHON) -m venv --clear $(VENV)
	@$(INSTALL) --quiet --require-hashes -r requirements/pip.txt
	@mkdir -p $(DONE) && touch $@

$(DONE)/requirements: $(INTERPRETER) requirements/lock.txt requirements/torch.txt
	@echo '[2/4] libraries and ROS 2'
	@$(INSTALL) --require-hashes -r requirements/lock.txt
	@$(INSTALL) -r requirements/torch.txt
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
	colcon build --base-paths . compat/vision_msgs examples/cpp --event-handlers console_cohesion+

clean:
	rm -rf .venv .tools build dist site install log demo mpn_ros.egg-info compat/vision_msgs/build compat/vision_msgs/vision_msgs.egg-info
