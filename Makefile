# Every verb a newcomer needs. `make demo` and `make test` install by themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := requirements-dev.lock

.DEFAULT_GOAL := help
.PHONY: help install demo real test test-postgresql check lint bench soak lock clean

help:           ## Show this list
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 18

$(VENV)/.installed: $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Rongqiao needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install: $(VENV)/.installed   ## Create .venv and install the locked dependencies

demo: install   ## Build the demo city, tell its story, serve it on http://127.0.0.1:8000
	$(BIN)/rongqiao demo $(ARGS)

real: install   ## Run the same pipeline on the real invoices of 425 firms (RONGQIAO_DATA)
	$(BIN)/rongqiao real $(ARGS)

lint: install   ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: install   ## The whole test run; what is about stored state runs on SQLite and again on PostgreSQL
	$(BIN)/python -m tests.find_postgres
	$(BIN)/python -m pytest -n 2 --dist loadscope $(ARGS)
	RONGQIAO_TEST_DATABASE=postgresql $(BIN)/python -m pytest -n 2 --dist loadscope $(ARGS)

test-postgresql: install   ## Everything that can open an office, on PostgreSQL
	$(BIN)/python -m tests.find_postgres
	RONGQIAO_TEST_WHOLE=1 RONGQIAO_TEST_DATABASE=postgresql $(BIN)/python -m pytest -n 2 --dist loadscope $(ARGS)

check: lint test   ## What CI runs

bench: install   ## Measurements against named peers, printed as ratios
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	$(BIN)/python -m bench $(ARGS)

soak: install   ## 1,000 kills and ten minutes of load; exits 1 when anything was lost
	$(BIN)/python -m bench.soak $(ARGS)

lock:           ## Renew the lock files (needs uv on the PATH)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --extra build -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --extra build --extra dev -c requirements.lock -o requirements-dev.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --extra build --extra dev --extra bench -c requirements-dev.lock -o requirements-bench.lock

clean:          ## Remove the environment and everything built
	rm -rf $(VENV) var build *.egg-info
