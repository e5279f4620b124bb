# make run and make test are all one needs; both call setup, which is quick when nothing changed.
# PYTHON=/path/to/python uses an environment of your own (its torch is kept) instead of .venv.

ifeq ($(strip $(PYTHON)),)
PY := .venv/bin/python
else
PY := $(PYTHON)
endif
TOUR := out/tour

.PHONY: help setup run test lint style types contracts bench

help:
	@echo "make run      the window on the sample photographs (ARGS=... opens your own)"
	@echo "make test     all tests (ARGS=... goes to pytest)"
	@echo "make lint     style, types, import contracts"
	@echo "make bench    the measurements of benchmarks/"
	@echo "make setup    only the environment"

setup:
	@PYTHON='$(PYTHON)' sh tools/setup.sh

run: setup
	@if [ "$$(uname)" = Linux ] && [ -z "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ]; then \
		echo "There is no display here: the window is driven off-screen instead."; \
		$(PY) -m fcn_studio tour --out $(TOUR) \
		&& echo "Screenshots, masks and summary.json lie in $(CURDIR)/$(TOUR)"; \
	else \
		$(PY) -m fcn_studio open $(if $(ARGS),$(ARGS),--samples); \
	fi

test: setup
	@$(PY) -m pytest $(ARGS)

lint: style types contracts

style: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: setup
	$(PY) -m mypy

contracts: setup
	$(PY) -c "from importlinter.cli import lint_imports_command as run; run(['--no-logo', '--no-cache'])"

bench: setup
	@failed=; for script in benchmarks/[a-z]*.py; do \
		echo "== $$script"; $(PY) $$script || failed="$$failed $$script"; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }
