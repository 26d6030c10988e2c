# Two commands matter: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo lab test test-all test-slow gallery crash faults soak load check audit coverage format bench \
	docs picture \
	engine kubernetes helm torch browser vscode clean

demo: engine  ## Run the quickstart on the sandbox and print what it did
	@$(BIN)/python -m scripts.demo

lab: engine  ## Open the quickstart in JupyterLab
	$(BIN)/jupyter lab notebooks/quickstart.ipynb

# Of the modules that take long one in so many is run, others each day.
test: export DOTRAIN_TEST_ONE_IN ?= 12
test: test-all  ## Run what is quick, and a sample of what takes long, the real engine included

test-all: check engine kubernetes helm torch browser  ## Run everything, the real engine included
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test-slow: engine kubernetes helm torch  ## What takes minutes: the engine and operators, built anew, and PyTorch
	$(BIN)/python -m pytest -m slow

gallery: engine kubernetes helm browser vscode  ## The site, and all that is proven in a browser, with screenshots in build/
	$(BIN)/python -m pytest -m gallery

crash: engine kubernetes helm  ## Cut off every operation in every way at every moment: 15 to 20 minutes
	@DOTRAIN_CRASH_CASES=$${DOTRAIN_CRASH_CASES:-all} \
	$(BIN)/python -m pytest tests/crash -q -n 3 --dist loadfile --no-loadscope-reorder

faults: engine kubernetes helm  ## Let every endpoint of the API misbehave in every way, in every call
	@DOTRAIN_FAULT_CASES=$${DOTRAIN_FAULT_CASES:-all} \
	$(BIN)/python -m pytest tests/faults -q -n 3 -m 'not gallery'

soak: engine kubernetes helm  ## Random histories: 1,000, and 100 with the real engine
	DOTRAIN_HISTORIES=1000 DOTRAIN_ENGINE_HISTORIES=100 DOTRAIN_HISTORY_STEPS=12 \
	$(BIN)/python -m pytest tests/histories -q -n 2 --dist loadfile

load: engine  ## 50 notebooks on one sandbox, 10,000 requests, 200 stacks
	$(BIN)/python -m benchmarks.load

check: $(STAMP)  ## Lint (ruff's rules of security too), types, import contracts, licences, audit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python -m scripts.licences
	@$(BIN)/python -m scripts.audit

audit: $(STAMP)  ## Ask the package index about known vulnerabilities of what dotrain depends on
	@$(BIN)/python -m scripts.audit

coverage: engine kubernetes helm  ## Write docs/sandbox-operations.md: which client proved what
	@mkdir -p build && rm -f build/coverage.txt
	DOTRAIN_COVERAGE=$(CURDIR)/build/coverage.txt $(BIN)/python -m pytest \
	tests/sandbox tests/live tests/kubernetes -n 3 --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m tests.sandbox.page build/coverage.txt

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: engine kubernetes browser  ## Measure, and print the tables of benchmarks/README.md
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/lasting.py
	$(BIN)/python benchmarks/allow_me.py
	$(BIN)/python benchmarks/plan.py
	$(BIN)/python benchmarks/algebra.py
	$(BIN)/python benchmarks/audit.py
	$(BIN)/python benchmarks/money.py
	$(BIN)/python benchmarks/kubernetes.py
	$(BIN)/python benchmarks/jobs.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python -m benchmarks.panel
	$(BIN)/python -m benchmarks.clicking

docs: engine kubernetes  ## Build the documentation site into build/docs, its notebooks executed
	$(BIN)/python -m sphinx -W -n --keep-going -b html -d build/doctrees docs build/docs

picture: engine browser  ## Take the README's pictures, in JupyterLab and Chromium
	$(BIN)/python -m scripts.picture

engine: $(STAMP)  ## Get the Pulumi CLI: downloaded, or built in about 4 minutes, once
	@$(BIN)/dotrain engine install

kubernetes: $(STAMP)  ## Build the control plane behind sandbox clusters, in about 10 minutes, once
	@$(BIN)/dotrain sandbox install-kubernetes

helm: $(STAMP)  ## Build Helm, in about 2 minutes, once; `dotrain` itself uses any that is on PATH
	@$(BIN)/dotrain engine install-helm

torch: $(STAMP)  ## Install PyTorch for the test of torchrun: about a minute and 5 GB, once
	@$(BIN)/python scripts/install_torch.py

browser: $(STAMP)  ## Get a Chromium, unless this machine has one: up to 2 minutes, once
	@$(BIN)/python -m scripts.install_browser

vscode: $(STAMP)  ## Get Visual Studio Code for browsers by npm: 16 MB, once
	@$(BIN)/python -m scripts.install_vscode

# An interrupted installation leaves no stamp, and is done again.
$(STAMP): pyproject.toml
	@echo "Making the environment in $(VENV): about 2 minutes the first time."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[notebook,sandbox,dask,trainer,docs,dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
