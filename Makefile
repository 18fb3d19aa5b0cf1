# Word Embeddings in Depth / 深入理解词嵌入: everything the course does, each by one word. `make` alone lists them.
# What a target needs is set up first, in .venv (setup.sh); once that is done, nothing is set up again.

PY := .venv/bin/python
PORT := 8000

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export JUPYTER_PREFER_ENV_PATH := 1
export TOKENIZERS_PARALLELISM := false
export PYTHONHASHSEED := 0
# The same number of threads everywhere: torch's sums differ in their last digits with it. They wait asleep, not spinning:
# where two kernels share two cores, spinning threads take a chapter's time many times over.
export OMP_NUM_THREADS := 2
export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup book serve lab run explorer search mini-bert mini-bert-news mini-bert-search minilm-mlm minilm-branches branches-student browser-student elmo test check notebooks browser study bench address clean FORCE

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

# --- Setting up -------------------------------------------------------------------------------------------------------
setup: .venv/.installed ## make or update .venv (the others do it by themselves)

.venv/.installed: requirements.txt pyproject.toml setup.sh $(if $(wildcard $(PY)),,FORCE)
	@PYTHON="$(PYTHON)" sh setup.sh

# --- Reading ----------------------------------------------------------------------------------------------------------
book: setup ## build the book, in English and in Chinese
	$(PY) book/build.py

serve: setup ## show the built book at http://127.0.0.1:8000/ (another port: PORT=8001)
	@test -f build/site/index.html || $(MAKE) book
	@$(PY) -c "import socket; socket.create_server(('127.0.0.1', $(PORT)))" 2>/dev/null || \
	  { echo "make: port $(PORT) is in use; another one so: make serve PORT=$$(($(PORT) + 1))" >&2; exit 1; }
	@echo "The book: http://127.0.0.1:$(PORT)/ (English), http://127.0.0.1:$(PORT)/zh/ (中文). Ctrl-C ends."
	@$(PY) -m http.server $(PORT) --bind 127.0.0.1 --directory build/site

lab: setup ## open the chapters in JupyterLab
	$(PY) -m jupyter lab notebooks

# --- Writing ----------------------------------------------------------------------------------------------------------
run: setup ## run the chapters again, top to bottom, in both languages (one of them: CHAPTER=02)
	$(PY) -m wordspace.editions run $(CHAPTER)

explorer: setup ## make the data of the explorer page in build/explorer: both languages, and the two in one space; a minute
	$(PY) -m wordspace.explorer
	$(PY) -m wordspace.shared_space

search: setup ## start the search page at http://127.0.0.1:8000/ (another port: PORT=8001); the first time takes some minutes
	@$(PY) -m wordspace.search --port $(PORT)

minilm-mlm: setup ## train MiniLM's masked-LM head and adapter of models/ again (about half an hour; it goes on where it was stopped)
	$(PY) models/minilm_mlm.py

minilm-branches: setup ## train chapter 12's teacher of models/ again (about an hour; it goes on where it was stopped)
	$(PY) models/minilm_branches.py

branches-student: setup ## train chapter 12's student of models/ again (about half an hour; it goes on where it was stopped)
	$(PY) models/branches_student.py

browser-student: setup ## write chapter 12's student for the book's page again, models/student, from models/branches-student
	$(PY) models/student.py

mini-bert: setup ## train the Chinese mini-BERT of models/ again (an hour or so; it goes on where it was stopped)
	$(PY) models/mini_bert.py

mini-bert-news: setup ## train the mini-BERT that read only the news (half an hour; it goes on where it was stopped)
	$(PY) models/mini_bert.py --sources news --steps 3000 --every 250 --folder models/mini-bert-zh-news

mini-bert-search: setup ## train the Chinese sentence encoder of models/ again (twenty minutes; it goes on where it was stopped)
	$(PY) models/mini_bert_search.py

elmo: setup ## train the bidirectional language models of models/ again (about half an hour; it goes on where it was stopped)
	$(PY) models/elmo.py --language zh
	$(PY) models/elmo.py --language en

study: setup ## run a study and record its figures: NAME=..., a script in studies/
	@test -f "studies/$(NAME).py" || { echo "make: NAME=... is one of:" \
	  $(patsubst studies/%.py,%,$(wildcard studies/*.py)) >&2; exit 2; }
	$(PY) studies/$(NAME).py

bench: setup ## run the speed studies and replace their records by this machine's (leave it idle meanwhile)
	for study in $$(grep -l "speed=True" studies/*.py); do $(PY) $$study || exit; done

address: ## tell the course where its repository is: URL=https://github.com/OWNER/NAME
	@$(or $(wildcard $(PY)),python3) book/address.py $(URL)

# --- Testing ----------------------------------------------------------------------------------------------------------
# The chapters and the tests use the models on this machine, never the Hugging Face hub.
test check notebooks browser run search mini-bert mini-bert-news mini-bert-search minilm-mlm minilm-branches branches-student browser-student elmo: export HF_HUB_OFFLINE := 1
# Records are compared to the last printed digit, so sums are taken with the same instructions on every x86 processor.
run notebooks: export ATEN_CPU_CAPABILITY := avx2
run notebooks: export ONEDNN_MAX_CPU_ISA := AVX2
run notebooks: export MKL_CBWR := AVX2
run notebooks: export OPENBLAS_CORETYPE := Haswell

check: setup ## the quick tests, two minutes: lint, units, editions, data cards, records
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) book/address.py --check
	$(PY) -m wordspace.editions check
	$(PY) -m wordspace.studies
	$(PY) -m pytest -m "not slow and not browser"

notebooks: setup ## run every chapter in both languages and compare its outputs with the recorded ones
	$(PY) -m pytest --nbval --nbval-current-env --nbval-cell-timeout=600 -n 2 --dist loadscope notebooks

browser: book ## read the built book in a headless browser
	$(PY) -m pytest -m browser -rs

test: check book notebooks browser ## everything: the four above and the slow tests
	$(PY) -m pytest -m "slow and not browser"

clean: ## remove what was generated (but .venv)
	rm -rf build *.egg-info .pytest_cache .ruff_cache
	find . -path ./.venv -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
