# Targets and stamps are relative paths on purpose: the folder's own path may hold spaces.
.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-quick fuzz attack pictures check fix bench lock sbom stop clean

PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --no-compile --disable-pip-version-check
ANY_KEY = "$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(50))')"
# What a production would set, for the checks that read settings and open no connection.
PRODUCTION = DEBUG=0 ALLOWED_HOSTS=tieout.example DATABASE_URL=postgresql://app@localhost/tieout \
	REDIS_URL=redis://localhost SECRET_KEY=$(ANY_KEY) AUDIT_KEY=$(ANY_KEY) RESULT_KEY=$(ANY_KEY)

# Packages are installed without byte code; what is compiled is kept in var/, so that each later start is three times as quick.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/var/byte-code

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile

setup: .venv/.runtime ## make .venv and install what Tieout runs on

demo: .venv/.runtime ## load the demo data, compute everything, print one portfolio
	@$(PY) manage.py demo

serve: .venv/.runtime ## web, worker and beat on http://127.0.0.1:8000 (PORT)
	@$(PY) manage.py runall

test: .venv/.dev ## run all tests, against PostgreSQL and Redis
	@$(PY) -m pytest -n auto --dist worksteal

test-quick: .venv/.dev ## run the tests that need neither of them, and take no seconds each; fewer generated examples
	@$(PY) -m pytest -q -n auto --dist worksteal --without-servers -m "not slow" --hypothesis-profile=quick

fuzz: .venv/.dev ## generated ledgers, spoilt portfolios beside a good one, every day of the demo, 10,000 dates of filings, 1,000 replays, 100,000 requests: hours
	@$(PY) -m tests.ledgers --count 2000 --processes 2
	@$(PY) -m tests.isolation --portfolios 200 --seeds 20
	@$(PY) -m tests.demo_walk
	@TIEOUT_FILING_DATES=10000 $(PY) -m pytest -q execution/tests/test_fundamentals_served.py
	@TIEOUT_REPLAYS=1000 $(PY) -m pytest -q -s tests/test_replays.py
	@TIEOUT_API_EXAMPLES=3500 $(PY) -m pytest -q execution/tests/test_fuzzed_api.py

attack: .venv/.dev ## attack what `make serve` serves meanwhile, kill imports and nights, fill a disk (as root): hours
	@failed=; for attack in "tampered_caches" "half_requests" "cold_questions" "many_clients" "foreign_objects" "fuzz" "audit_mutations" \
		"audit_tampering" "logins --port $${PORT:-8000}" "tampered_history" "turning_packs" "killed_imports" "killed_nights" "full_disk"; do \
		echo "chaos.$$attack"; $(PY) -m chaos.$$attack || failed="$$failed $$attack"; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

pictures: .venv/.dev ## the pictures in docs/owners from the running demo, and every page by width and light in var/pictures
	@$(PY) manage.py demo > /dev/null
	@$(PY) -m tests.pictures

check: .venv/.dev ## format, lint, types, migrations, settings, patterns, import directions
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PRODUCTION) $(PY) -m mypy .
	@$(PY) manage.py makemigrations --check --dry-run
	@$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING
	@$(PY) manage.py lint_patterns
	@$(PY) -m pytest -q tests/test_architecture.py

fix: .venv/.dev ## format, and mend what the linter can
	@$(PY) -m ruff check --quiet --fix .
	@$(PY) -m ruff format .

bench: .venv/.dev ## run the benchmarks, beside their floors
	@$(PY) -m benchmarks

LOCK = var/lock/bin/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"

lock: .venv/.runtime ## pin what requirements.in and requirements-dev.in ask for, with all that it needs, by hash
	@$(PY) -m venv var/lock
	@var/lock/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(LOCK) requirements.in -o requirements.txt
	@$(LOCK) requirements.in requirements-dev.in -o requirements-dev.txt

sbom: .venv/.runtime ## what is installed, with versions and licences, as CycloneDX in var/sbom.json
	@$(PY) -m venv var/sbom
	@var/sbom/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	@var/sbom/bin/cyclonedx-py environment .venv --output-format JSON --output-file var/sbom.json

stop: ## stop the embedded PostgreSQL and Redis, whoever uses them
	@if [ -x $(PY) ]; then $(PY) -m config.embedded stop; else echo "nothing to stop: there is no .venv"; fi

clean: stop ## remove .venv, caches and var/ (the database and ledger in it too)
	@rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@rm -rf "/dev/shm/tieout-test-$$(id -u)-$$(printf %s "$(CURDIR)" | sha256sum | cut -c1-8)"
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: requirements.txt
	@python=$$(for name in python3.11 python3.12 python3 python3.13; do \
		"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done); \
	[ -n "$$python" ] || { echo "Python 3.11 or newer is needed and there is none: install python3.11" >&2; exit 1; }; \
	"$$python" -m venv .venv || { echo "$$python can't make .venv: install its venv package (python3-venv)" >&2; exit 1; }
	@echo "installing requirements.txt into .venv"
	@$(PIP) --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.txt
	@echo "installing requirements-dev.txt into .venv"
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@
