# PKS Portal on one machine. `make run` is all one needs; every target may be run again and interrupted.
# PKS_PORT, PKS_HOST, PKS_DATA_DIR and PKS_CACHE_DIR choose another place, so that several checkouts live side by side.
SHELL := /bin/bash
SET := .venv/bin/python -m pks_portal.default_set
FOLLOW := $(if $(f),-f)

.PHONY: help run stop status logs clean test lint bench soak interop

help: ## say what there is
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  \1\t/'

run: ## install what is missing and start the portal, or take over what changed
	@deploy/bootstrap
	@$(SET) start

stop: ## stop the portal; clusters live on
	@$(SET) stop

status: ## what runs, since when, with how much memory
	@$(SET) status || true

logs: ## the logs' ends; name=web for one program, f=1 to follow
	@$(SET) logs $(FOLLOW) $(name)

clean: ## stop and delete all data; refused while clusters live, unless WITH_CLUSTERS=1
	@$(SET) clean $(if $(WITH_CLUSTERS),--with-clusters)

test: ## everything that CI runs
	@.ci/run

lint: ## format, rules, layers, types
	@.ci/run lint

bench: ## measure against the peers, write docs/benchmarks.md
	@.ci/run bench

soak: ## what is longer than CI: hours under load
	@.ci/run soak

interop: ## what is longer than CI: other versions and systems
	@.ci/run interop
