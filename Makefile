# make figures   set up, run the quick preset of the headline study, draw its figures
# make test      set up, format, lint, types and beside them all tests
# make quick     set up, run the tests that take no more than a few seconds
# make optimised set up, run some of the numerical tests at the compiler's usual level of optimisation
# make check     set up, format, lint and types
# make adapters  the tests of PyTorch, Grain, Hugging Face and Parquet, in an environment that has them
# make oldest    the tests that are not slow, with the oldest versions that pyproject.toml allows
# make docs      set up, build the site in .site
# make release   set up, build wheel and sdist into dist, and use each in an environment of its own
# make numbers   set up, fill in the numbers of all pages again from the arrays in figures/data
# make gallery   set up, draw figures/gallery again from the arrays in figures/data

PYTHON ?= python3
BIN = .venv/bin

.PHONY: venv figures test tests quick optimised check adapters oldest docs release numbers gallery

venv: .venv/complete

.venv/complete: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than Python 3.11; call make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

figures: venv
	$(BIN)/python -m studies run xor_mixture
	$(BIN)/python -m figures xor_mixture

test: venv
	$(MAKE) --no-print-directory -j 2 check tests

tests: venv
	$(BIN)/python -m pytest

quick: venv
	$(BIN)/python -m pytest -m "not slow"

# the other tests compile at level 1, see tests/conftest.py
optimised: venv
	XLA_FLAGS= $(BIN)/python -m pytest $(addprefix tests/teacher_student/,training/test_gram.py \
	  training/test_full.py tasks/test_xor_mixture.py students/test_two_layer.py theory/test_theory_expectations.py)

check: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

adapters:
	$(PYTHON) -m venv .venv/adapters
	.venv/adapters/bin/pip install --quiet --disable-pip-version-check \
	  --editable '.[test,torch,grain,huggingface,parquet]' trl
	.venv/adapters/bin/python -m pytest tests/curricula/adapters curricula/adapters

oldest:
	$(PYTHON) -m venv --clear .venv/oldest
	$(PYTHON) .ci/oldest.py > .venv/oldest/constraints.txt
	.venv/oldest/bin/pip install --quiet --disable-pip-version-check \
	  --constraint .venv/oldest/constraints.txt --editable '.[test]'
	.venv/oldest/bin/python -m pytest -m "not slow"

# what the tutorials compile runs for a moment only
docs: .venv/docs
	XLA_FLAGS="--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true" \
	  NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

.venv/docs: .venv/complete
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

release: venv
	.ci/release

numbers: venv
	$(BIN)/python docs/fill.py

gallery: venv
	$(BIN)/python -m figures xor_mixture --from figures/data --out figures/gallery
	for study in $(filter-out xor_mixture,$(basename $(notdir $(wildcard figures/data/*.nc)))); do \
	  $(BIN)/python -m figures $$study --from figures/data --out figures/gallery/$$study || exit; done
	for file in $(wildcard figures/data/*/*.nc); do study=$$(basename $$file .nc); part=$$(basename $$(dirname $$file)); \
	  $(BIN)/python -m figures $$study --from $$(dirname $$file) --out figures/gallery/$$study/$$part || exit; done
