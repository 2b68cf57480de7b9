# make run starts everything on this machine; make test and make check are what a change has to pass.
.DEFAULT_GOAL := help
.PHONY: help run test browser ceph crash check bench screenshots translations clean
BIN := .venv/bin
# pytest's own options, e.g. make test ARGS="--db sqlite -k allocation"
ARGS ?=

help: ## say what there is
	@sed -n 's/^\([a-z]*\): .*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## start the portal, its worker and a storage server here, with sample data
	@deploy/prepare run
	@$(BIN)/python -m deploy.run

test: ## run the tests on SQLite and on Postgres, with a real storage server
	@deploy/prepare test
	@$(BIN)/python -m pytest -q -n auto --dist loadgroup -m "not browser and not ceph and not crash" $(ARGS)

browser: ## look at the pages, and walk through them, in a real browser
	@deploy/prepare test
	@$(BIN)/python -m pytest -q -n auto --dist loadgroup -m browser tests/browser $(ARGS)

ceph: ## run the storage tests on a real Ceph gateway
	@deploy/prepare ceph
	@$(BIN)/python -m pytest -q -m ceph $(ARGS)

crash: ## kill portal, worker and storage service at every point, on both databases; results as a table
	@deploy/prepare test
	@$(BIN)/python -m pytest -q -n auto --dist loadgroup -m crash tests/crash $(ARGS)

check: ## lint, format and types
	@deploy/prepare test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy services models

bench: ## measure; results as a table
	@deploy/prepare test
	@$(BIN)/python -m bench $(ARGS)

screenshots: ## make the pictures of README and docs anew
	@deploy/prepare test
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

translations: ## collect texts, bring them into every language's file, compile
	@deploy/prepare test
	@$(BIN)/pybabel --quiet extract -F pyproject.toml -k N_ -k _l -k ngettext:1,2 --no-location --sort-output \
		--project "Partner portal" --version 0.1.0 --copyright-holder "The authors of the partner portal" \
		-o translations/collected.pot .
	@sed -e '/^"POT-Creation-Date:/d' -e '/^# FIRST AUTHOR/d' translations/collected.pot >translations/messages.pot
	@rm translations/collected.pot
	@$(BIN)/pybabel --quiet update -i translations/messages.pot -d translations --no-fuzzy-matching --ignore-pot-creation-date
	@$(BIN)/pybabel compile -d translations

clean: ## remove what was installed and made, keep the data in var/
	@rm -rf .venv tests/browser/node_modules test-results .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
