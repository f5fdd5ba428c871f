# One command sets up .venv with the packages that constraints.txt pins, and does what its name says:
#   make train                        make train ENVIRONMENT=connect_four ARGS="--minutes 5"
#   PYTHON=python3.12 make train      chooses another interpreter, and rebuilds .venv if that is of another version
#   PYTHON=python3.13 make train      has TensorFlow 2.21, and the packages of constraints-latest.txt

ENVIRONMENT ?= tic_tac_toe
VENV := .venv
STAMP := $(VENV)/.installed
EXTRAS := $(VENV)/.installed-extras# what the tests need on top: optional packages that users choose themselves
DOCS := $(VENV)/.installed-docs# what the documentation needs on top
BIN := $(VENV)/bin
PEERS := jax torch xuance
LATEST := browser dev docs gymnasium mlflow notebooks open_spiel oracles pettingzoo ray search unity wandb web

version = $(shell $(1) -c "import sys; print('%d.%d' % sys.version_info[:2])" 2>/dev/null)

# Without a wish of the caller's, a .venv that was set up stays with the interpreter it has.
PYTHON ?= $(or $(if $(wildcard $(STAMP)),$(wildcard $(BIN)/python)),python3)
ifneq ($(origin PYTHON),file)
ifneq ($(call version,$(PYTHON)),$(call version,$(BIN)/python))
$(STAMP): another-python
endif
endif

CONSTRAINTS = $(if $(filter 3.13,$(call version,$(PYTHON))),constraints-latest.txt,constraints.txt)

define CHECK_PYTHON
import sys
version = sys.version_info[:2]
if version not in ((3, 11), (3, 12), (3, 13)):
    sys.exit("imagents needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is %d.%d: name another, as in PYTHON=python3.12 make venv" % version)
try:
    import ensurepip, venv
except ImportError:
    sys.exit("$(PYTHON) lacks its venv module: run apt-get install python%d.%d-venv" % version)
endef
export CHECK_PYTHON

.PHONY: help venv another-python no-game train test test-slow test-latest lint benchmark results benchmark-peers docs looks notebooks constraints constraints-latest clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

venv: $(STAMP)  ## set up .venv

$(STAMP): setup.py $(CONSTRAINTS)
	@command -v $(PYTHON) >/dev/null || \
	    { echo "imagents needs Python 3.11, 3.12 or 3.13, and there is no $(PYTHON) here: apt-get install python3-venv" >&2; exit 2; }
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@echo "Setting up $(VENV) with Python $(call version,$(PYTHON)), once."
	@test -e $@ -a "$(call version,$(PYTHON))" = "$(call version,$(BIN)/python)" || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c $(CONSTRAINTS) -e .[dev]
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c $(CONSTRAINTS) --no-deps tf-agents gym
	@touch $@

no-game:
	@test -z "$(GAME)" || { echo "GAME=$(GAME): it is called ENVIRONMENT now, as in make train ENVIRONMENT=connect_four" >&2; exit 2; }

train: no-game $(STAMP)  ## train two agents (ENVIRONMENT=tic_tac_toe, ARGS="--minutes 5", ...)
	@$(BIN)/imagents train --environment $(ENVIRONMENT) $(ARGS)

$(EXTRAS): $(STAMP)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -c $(CONSTRAINTS) -e .[dev,docs,mlflow,onnx,oracles,pettingzoo,ray,sagemaker,serving,solver,unity,wandb,web,browser]
	@touch $@

test: $(EXTRAS)  ## run the tests, two files at a time
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-slow: $(EXTRAS)  ## run the tests that take minutes
	@$(BIN)/python -m pytest -m slow $(ARGS)

test-latest: $(STAMP)  ## run the tests on TensorFlow 2.21 and version 3 of SageMaker's SDK
	@$$($(BIN)/python tests/cloud/environments.py latest) -m pytest $(ARGS)

lint: $(STAMP)  ## check the style
	@$(BIN)/ruff check $(ARGS)

benchmark: $(STAMP)  ## measure the throughput
	@$(BIN)/python -m benchmarks.run $(ARGS)

results: $(EXTRAS)  ## train the presets over seeds, hours altogether, and write docs/results.md
	@$(BIN)/python -m benchmarks.many
	@$(BIN)/python -m benchmarks.best_response
	@$(BIN)/python -m benchmarks.results $(ARGS)

# Their packages contradict each other's and ours: hence environments of their own, jax and torch.
benchmark-peers: $(PEERS:%=.venv-peers/%/.installed)  ## set up other systems for make benchmark to compare with

.venv-peers/%/.installed: benchmarks/peers/requirements-%.txt | $(STAMP)
	@echo "Setting up $(@D), once."
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	@$(BIN)/uv pip install --quiet --python $(@D)/bin/python -r $<
	@touch $@

$(DOCS): $(STAMP)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -c $(CONSTRAINTS) -e .[docs,gymnasium,open-spiel,pettingzoo,web]
	@touch $@

docs: $(DOCS)  ## build the documentation site in build/docs
	@rm -rf build/docs build/pages && mkdir -p build && cp -RL docs build/pages
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going build/pages build/docs
	@echo "done: build/docs/index.html"

looks: $(EXTRAS)  ## take pictures of the page and the terminal into build/looks, and check them
	@$(BIN)/python docs/images/looks.py

notebooks: $(EXTRAS)  ## run all notebooks in full, and keep what they show: some 15 minutes
	@$(BIN)/python notebooks/run.py notebooks/*.ipynb

constraints: $(STAMP)  ## pin the newest versions in constraints.txt
	@{ echo "# make constraints"; \
	    echo "# Every package on Linux with Python 3.11 or 3.12; the last two are installed without dependencies."; \
	    $(BIN)/uv pip compile --quiet --python-version 3.11 --python-platform linux --all-extras \
	        --no-annotate --no-header setup.py; \
	    echo "gym==0.23.0"; \
	    echo "tf-agents==0.19.0"; } > constraints.new
	@mv constraints.new constraints.txt

constraints-latest: $(STAMP)  ## pin the newest versions in constraints-latest.txt
	@{ echo "# make constraints-latest"; \
	    echo "# Every package on Linux with Python 3.13 and TensorFlow 2.21; the last two are installed without dependencies."; \
	    echo "sagemaker>=3" | $(BIN)/uv pip compile --quiet --python-version 3.13 --python-platform linux \
	        $(addprefix --extra ,$(LATEST)) --no-annotate --no-header setup.py -; \
	    echo "gym==0.23.0"; \
	    echo "tf-agents==0.19.0"; } > constraints.new
	@mv constraints.new constraints-latest.txt

clean:  ## remove .venv, build products and caches; runs stay
	@rm -rf $(VENV) .venv-peers build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
