# The verbs. CI calls only these; each makes what it needs first.
PYTHON ?= python3
BIN := .venv/bin
TESTS ?= tests
KILLS ?= 300
SEED ?= 1

.PHONY: demo test oracle check fix bench torture trials clean packages fuzz image image-mtas parity docs

demo: .venv/runs ## watch the story of the post
	@$(BIN)/smtplab demo

test: .venv/develops packages ## every test, with coverage
	@$(BIN)/pytest -n auto --cov --cov-report=term $(TESTS)

oracle: .venv/develops packages ## the examiner against openssl, Postfix, swaks, testssl and sslscan, at length
	@ORACLE=1 $(BIN)/pytest -n auto tests/peers/test_examiner_oracles.py

check: .venv/develops ## lint, types, contracts
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

docs: .venv/runs ## write the generated pages; fails where one was stale
	@$(BIN)/python workshop/docs.py

fix: .venv/develops ## format, and mend what lint can mend
	@$(BIN)/ruff check --fix; $(BIN)/ruff format

image: .venv/develops ## the images that --backend docker runs hosts from, and plays faults of the network with
	@$(BIN)/python workshop/image.py network

image-mtas: .venv/develops ## the same with Postfix and Exim in it
	@$(BIN)/python workshop/image.py postfix exim

parity: .venv/develops ## every scenario on both backends, compared, and those with real MTAs
	@SMTPLAB_PARITY=all $(BIN)/pytest -n 0 tests/docker/test_parity.py tests/docker/test_real_mtas.py

fuzz: .venv/develops ## what peers say, in any bytes: SECONDS for each target (60)
	@$(BIN)/python -m fuzz $(or $(SECONDS),60)

bench: .venv/develops ## the figures, with their limits
	@workshop/packages.sh bench; $(BIN)/python -m bench

torture: .venv/develops ## kill a live lab -9 again and again with mail under way (KILLS=300), and account for each message
	@$(BIN)/python -c "import sys; from tests.live.torture import main; sys.exit(main($(KILLS), $(SEED)))"

trials: .venv/develops ## what known mail clients really do, into docs/trials.md
	@workshop/trials.sh

clean: ## remove everything that make made
	@rm -rf .venv .coverage .coverage.* htmlcov build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .import_linter_cache && find . -name __pycache__ -type d -prune -exec rm -rf {} +

packages: # foreign programs that tests talk to
	@workshop/packages.sh

.venv/runs: pyproject.toml workshop/environment.sh
	@PYTHON=$(PYTHON) workshop/environment.sh . && touch $@

.venv/develops: .venv/runs
	@PYTHON=$(PYTHON) workshop/environment.sh '.[dev]' && touch $@
