# make run      the demo: a mail server is attacked in private namespaces, live, and defended
# make test     everything that is checked: lint, types, tests
# make lint     ruff, codespell
# make types    mypy, strict
# make docs     docs/commands.md from the tables, docs/catalogue.md from the filters
# make bench    lines per second, bans, memory, beside other programs
#
# Each sets up what it needs: a virtual environment in .venv and, as root on Debian, the missing system packages.

BIN := .venv/bin
READY := .venv/ready

.DEFAULT_GOAL := help
.PHONY: help run test lint types pytest docs bench

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: $(READY)
	@sh .ci/set-up run
	@$(BIN)/sekisho demo

test: lint types pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: $(READY)
	$(BIN)/mypy

pytest: $(READY) lint types
	@sh .ci/set-up test
	$(BIN)/pytest

docs: $(READY)
	$(BIN)/python docs/make.py >docs/commands.new
	mv docs/commands.new docs/commands.md
	$(BIN)/python docs/make_catalogue.py >docs/catalogue.new
	mv docs/catalogue.new docs/catalogue.md

bench: $(READY)
	@sh .ci/set-up test
	$(BIN)/python bench/run.py

$(READY): pyproject.toml constraints.txt
	@sh .ci/set-up venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,geo]'
	@touch $@
