# One line a command. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FAST := tests/unit tests/golden tests/property tests/contract tests/integration tests/security
SLOW := tests/faults tests/netns tests/browser
WAITING := tests/unit/resolver tests/unit/journal

.PHONY: help run test check waiting thinking lint bench mutate lock format screenshots clean

help:  ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | expand -t 14

run: $(VENV)/run.stamp  ## start the demo: four simulated televisions and the live dashboard
	@exec $(BIN)/telltale demo $(DEMO)

# Two halves of about one length, beside each other: both mostly wait, for sockets, disks and machines that boot.
test: lint  ## every test; what this machine cannot run is skipped, with the reason
	@said=$$(mktemp); trap 'rm -f $$said' EXIT; \
	$(BIN)/pytest $(SLOW) >$$said 2>&1 & slow=$$!; trap 'kill $$slow' INT TERM; \
	$(BIN)/pytest $(FAST); others=$$?; \
	wait $$slow; slowly=$$?; cat $$said; \
	[ $$others -eq 0 ] && [ $$slowly -eq 0 ]

check: $(VENV)/test.stamp  ## lint, types, arrows and the quick unit tests: less than a minute
	@$(MAKE) --no-print-directory -j3 -Otarget lint waiting thinking

# The quick unit tests in two halves of about one length: those that mostly wait for sockets, and the others.
waiting:
	$(BIN)/pytest -q -m 'not slow' -p no:cacheprovider $(WAITING)

thinking:
	$(BIN)/pytest -q -m 'not slow' -p no:cacheprovider tests/unit $(WAITING:%=--ignore=%)

lint: $(VENV)/test.stamp  ## lint, types and arrows
	$(BIN)/ruff check gateway web tests
	$(BIN)/ruff format --check gateway web tests
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/test.stamp  ## compare with dnsmasq and unbound on this machine; prints ratios
	$(BIN)/python -m tests.bench $(BENCH)

mutate: $(VENV)/test.stamp  ## would the tests notice small faults in the modules that matter most; prints how many
	$(BIN)/python -m tests.mutation $(MUTATE)

lock: $(VENV)/test.stamp  ## renew the two lock files after a change of pyproject.toml
	deploy/lock.sh

format: $(VENV)/test.stamp  ## put the code into its one shape
	$(BIN)/ruff check --fix gateway web tests
	$(BIN)/ruff format gateway web tests

screenshots: $(VENV)/test.stamp  ## take README's two pictures anew from the demo
	$(BIN)/python -m tests.browser.pictures

clean:  ## forget the virtual environment
	rm -rf $(VENV) build dist ./*.egg-info

$(VENV)/run.stamp: requirements.lock pyproject.toml deploy/system-packages.txt deploy/setup.sh
	PYTHON=$(PYTHON) deploy/setup.sh run

$(VENV)/test.stamp: requirements-dev.lock pyproject.toml deploy/system-packages.txt deploy/setup.sh
	PYTHON=$(PYTHON) deploy/setup.sh test
