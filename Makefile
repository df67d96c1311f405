# Every word of logic is in minidocker/bootstrap.py, which needs only a bare Python.
#
#   make learn PYTHON=/path/to/python3.12    uses that interpreter
#   make test  ARGS="-k pid -x"              passes ARGS to pytest

export PYTHON ?=
ARGS ?=
BOOTSTRAP := $(firstword $(wildcard /usr/bin/python3) python3) -I minidocker/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help learn setup update test test-more faults lint debian vm vm-down box clean remove

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

learn: ## set up what is missing, then open notebook 00 in JupyterLab
	@$(BOOTSTRAP) learn

setup: ## the same, without JupyterLab
	@$(BOOTSTRAP) setup

update: ## bring new lessons into this folder; your edits stay (git)
	@$(BOOTSTRAP) update

test: ## set up what the tests need, then run all of them
	@$(BOOTSTRAP) test $(ARGS)

test-more: ## the heavy ones too: every escape in the lab machine, one of arm64, and its partners
	@$(BOOTSTRAP) test-more $(ARGS)

faults: ## make every call of a run fail once, three errnos each (some hours, root)
	@$(BOOTSTRAP) faults $(ARGS)

lint: ## check style and types (ruff, mypy)
	@$(BOOTSTRAP) lint

debian: ## make an image called debian, a real Debian 12 (about 100 MB, root)
	@$(BOOTSTRAP) debian

vm: ## the lab machine by `vagrant up`, with all that it needs; prints JupyterLab's address
	@$(BOOTSTRAP) vm

vm-down: ## remove the lab machine and all that `make vm` made; your work is carried out first
	@$(BOOTSTRAP) vm-down

box: ## build the lab machine's box, also as a file for Vagrant (offline but for the packages)
	@$(BOOTSTRAP) box

clean: ## remove the virtual environment and caches; images and your work stay
	@$(BOOTSTRAP) clean

remove: ## undo all that the course put on this machine; it says what, and asks; your work stays
	@$(BOOTSTRAP) remove $(ARGS)
