# Two commands do everything: `make run` and `make test`. `make help` lists the rest.
# What they need is installed by the first call (tools/setup.py) and found again by the next.

PYTHON ?= python3
VENV := .venv/bin
SETUP := $(PYTHON) -m tools.setup
SERVICES := $(VENV)/python -m tools.services run

PORT ?= 8000
PROVE ?= 100000
export PORT PROVE

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench prove deploy-rehearsal image-rehearsal manage widgets messages lock clean

help: ## This list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## The portal, its worker and a simulated shop, panel, CRM and phone in this terminal; Ctrl-C stops them all. PORT=9000 chooses a port.
	@$(SETUP) && exec $(VENV)/python -m tools.run

test: ## Every test on real PostgreSQL, Redis and Chromium. K=word selects by name, PYTEST_ARGS='-x -n0' goes to pytest.
	@$(SETUP) --for test && exec $(VENV)/python -m tools.suite $(if $(K),-k '$(K)') $(PYTEST_ARGS)

lint: ## Style, types, templates, forgotten migrations.
	@$(SETUP) && exec $(VENV)/python -m tools.lint

format: ## Put the formatting right, and what else ruff can repair by itself.
	@$(SETUP) && $(VENV)/ruff check --fix --quiet . ; $(VENV)/ruff format .

bench: ## How fast it is, as ratios to hand-written SQL and bare Django on this machine.
	@$(SETUP) --for test && exec $(SERVICES) -- $(VENV)/python -m benchmarks $(BENCH_ARGS)

prove: ## The long search for counterexamples; PROVE=1000000 searches longer.
	@$(SETUP) --for test && exec $(SERVICES) -- $(VENV)/pytest -m prove --timeout=0 $(if $(K),-k '$(K)') $(PYTEST_ARGS)

deploy-rehearsal: ## The whole way to AWS and back out, against a stand-in that enforces policies (docs/deploy.md).
	@$(SETUP) --for test && exec $(VENV)/python -m tools.rehearsal

image-rehearsal: ## Build the worker's container image without Docker and let the browser in it make codes (Debian, root).
	@$(SETUP) --for test && exec $(SERVICES) -- $(VENV)/pytest -m image -n0 $(PYTEST_ARGS)

manage: ## A management command in the surroundings of `make run`: make manage CMD='pool_state'
	@$(SETUP) && exec $(VENV)/python -m tools.run manage $(CMD)

widgets: ## Build static/gtm from widgets/: what the shop's pages load. A change for shoppers is a new version in package.json.
	@$(SETUP) --for test && exec $(VENV)/python -m tools.widgets

messages: ## Collect the texts for translation into locale/, and compile what is translated. Needs gettext.
	@command -v msgfmt >/dev/null || { echo "This needs GNU gettext. Type: sudo apt-get install gettext"; exit 1; }
	@$(SETUP) && $(VENV)/python manage.py makemessages --locale=uk --no-obsolete --no-wrap --no-location --ignore=.venv --ignore=var --ignore=demo --ignore=tests --ignore=tools --ignore=node_modules
	@sed -i.bak -e '/^"POT-Creation-Date/d' -e '/^"Report-Msgid-Bugs-To/d' */locale/uk/LC_MESSAGES/django.po locale/uk/LC_MESSAGES/django.po && rm -f */locale/uk/LC_MESSAGES/*.bak locale/uk/LC_MESSAGES/*.bak
	@$(VENV)/python manage.py compilemessages --ignore=.venv --ignore=var --ignore=node_modules

lock: ## Write down the versions of everything installed in constraints.txt, after a change of the requirements.
	@$(SETUP) && exec $(VENV)/python -m tools.lock

clean: ## Throw away local rows, files and leftovers of tests. What is installed stays.
	@$(PYTHON) -m tools.clean
