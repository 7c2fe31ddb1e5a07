# The workshop's commands. Begin with `make lab`.

# The first suitable Python on this machine; `make lab PYTHON=/path/to/python3.12` uses another.
PYTHON := $(shell for p in python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
	&& echo $$p && break; done || true)
BIN := .venv/bin
READY := .venv/.ready

# Do not use an installed Java: the right version is installed as a Python package.
unexport JAVA_HOME
# Without compiled files, each start of a Python process takes three times as long.
unexport PYTHONDONTWRITEBYTECODE
# Do not use the machine's encoding: Python reads and writes UTF-8.
export PYTHONUTF8 := 1

# An option, if its variable is in the command: a PORT in the environment is another program's.
given = $(if $(filter command,$(origin $(1))),--$(2) "$($(1))")

.PHONY: help setup lab kernel update class test check reference picture book demo soak bench aws-check stop reset lock

help: ## show this list
	@LC_ALL=C grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 11

setup: $(READY) ## set up .venv from requirements.lock

$(READY): requirements.lock helpers/install.py
	@command -v $(or $(PYTHON),python3) >/dev/null || { echo "The workshop needs Python 3.11 or 3.12:" \
		"install it, then run the same command again (or: make lab PYTHON=/path/to/python3.12)."; exit 1; }
	@$(or $(PYTHON),python3) helpers/install.py && touch $@

lab: $(READY) ## set up, then open the workshop in JupyterLab, and print its address: make lab [PORT=9999]
	@$(BIN)/python -m helpers.lab $(call given,IP,ip) $(call given,PORT,port)

kernel: $(READY) ## set up, then register the workshop's kernel with a JupyterLab that is already running
	@$(BIN)/python helpers/install.py kernel

# For git, a notebook that was only run is unchanged; one that was edited is kept under its own name.
update: $(READY) ## fetch the newest version; keep notebooks that you edited as notebooks/my-*.ipynb
	@edited=$$(git diff --name-only HEAD -- 'notebooks/*.ipynb') || exit 1; for file in $$edited; do \
		mine=notebooks/my-$$(basename "$$file" .ipynb)-$$(LC_ALL=C TZ=UTC date +%Y%m%d-%H%M%S).ipynb; \
		if [ -e "$$file" ]; then \
			cp "$$file" "$$mine" && echo "You edited $$file: your version is kept as $$mine." || exit 1; \
		fi; \
		git checkout -q HEAD -- "$$file" || exit 1; \
	done
	@git add -u -- 'notebooks/*.ipynb'
	@git pull --ff-only
	@$(MAKE) --no-print-directory setup

class: $(READY) ## for a class: its quotas, or its progress: make class LEARNERS=30 [TARGET=aws] | FOLDER=/mnt/class
	@$(BIN)/python -m helpers.teaching $(call given,LEARNERS,learners) \
		$(call given,TARGET,target) $(call given,FOLDER,folder)

# A test that takes an hour hangs. It fails, so that the others are run, and their results seen.
test: $(READY) ## set up, then run every test
	@$(BIN)/python -m helpers.flink.build_class_data & archives=$$!; \
		$(MAKE) --no-print-directory check || { wait $$archives; exit 1; }; \
		$(BIN)/python -m pytest -n 3 --no-loadscope-reorder --timeout 3600 $(TESTS); tested=$$?; \
		wait $$archives && exit $$tested

# The code of servers and functions is checked in its own folder, where its imports resolve.
TYPED := assets/agent assets/functions/process_metrics assets/functions/publish_metrics

check: $(READY) ## run the linter, the formatter, the type checker, and compare the reference page
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy --no-error-summary --explicit-package-bases helpers bench tests
	@for folder in $(TYPED); do (cd $$folder && "$(CURDIR)/$(BIN)/mypy" --no-error-summary \
		--config-file "$(CURDIR)/pyproject.toml" .) || exit 1; done
	@$(BIN)/python docs/make_reference.py --check || { echo "docs/reference.md is out of date: run make reference"; exit 1; }

reference: $(READY) ## write docs/reference.md from the docstrings
	@$(BIN)/python docs/make_reference.py

picture: $(READY) ## create the README's picture from a real run (needs chromium)
	@$(BIN)/python -m docs.make_picture

book: $(READY) ## run all notebooks, and write a static site with their outputs: make book [ONLY=0,1] [SITE=1] [PICTURES=1]
	@$(BIN)/python -m docs.book $(if $(ONLY),--only $(ONLY)) $(if $(SITE),--site) $(if $(PICTURES),--pictures)

demo: $(READY) ## run the whole pipeline without a notebook: make demo [LOG=access.log] [RATE=200] [KEEP=1]
	@$(BIN)/python -m helpers.demo $(if $(LOG),--log "$(LOG)") $(if $(RATE),--rate $(RATE)) $(if $(KEEP),--keep)

soak: $(READY) ## inject kills and faults for half an hour: make soak [SECONDS=900] [RATE=500] [FAILURES=50] [SEED=1]
	@$(BIN)/python -m bench.soak $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RATE),--rate $(RATE)) \
		$(if $(FAILURES),--failures $(FAILURES)) $(if $(SEED),--seed $(SEED))

bench: $(READY) ## measure for a quarter of an hour, into bench/results.md: make bench [ONLY=agents,flink]
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(RECORDS),--records $(RECORDS)) $(if $(SHORT),--short)

aws-check: $(READY) ## check modules 1 to 4 and 9 in your AWS account (40 minutes, below 2 dollars), then delete everything
	@$(BIN)/python -m bench.aws_check $(if $(REPORT),--report "$(REPORT)")

stop: ## end the local target
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m helpers.local stop; fi

reset: stop ## end the local target and delete its state, its logs and .venv
	@if [ -x $(BIN)/jupyter ]; then JUPYTER_PREFER_ENV_PATH=0 $(BIN)/jupyter kernelspec remove -f realtime-web-analytics; fi \
		>/dev/null 2>&1 || true
	rm -rf .workshop .venv

lock: $(READY) ## write requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --all-extras --generate-hashes \
		--no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
