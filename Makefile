# Each target makes .venv when it is missing. PYTHON chooses the interpreter: 3.11, 3.12 or 3.13.
PYTHON ?= python3
PY := .venv/bin/python
# Compiled files are kept, also where the shell says otherwise: the tests start many processes.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(PY) -m pip install --quiet --disable-pip-version-check

TABLE_1 := best with_rec_class no_aux no_aux_rec_class
REPORTED := $(patsubst %/report.json,%,$(sort $(wildcard weights/*/report.json))) \
	$(TABLE_1:%=benchmarks/results/ifcvaegan/stable-%-1)

.PHONY: demo studio test test-all lint results bench format clean

# The pictures first, a plain line after each says where it lies; then a report, then a training.
demo: .venv/run.done
	$(PY) -m icgan_tf.edit examples/digits --shift 1 --out out/demo/plus-one
	@echo "==> Ten digits, and the next one of each in the same hand: out/demo/plus-one/sheets/edits.png"
	$(PY) -m igan.edit --strokes examples/scribbles/boot.json --shown 7 --out out/demo/boots
	@echo "==> Three strokes of a brush, and boots that follow them: out/demo/boots/sheets/candidates.png"
	$(PY) -m ifcvaegan.edit examples/drawn-faces/face-6.png --run weights/ifcvaegan-drawn --set Eyeglasses=1 --tune --tune-steps 300 --out out/demo/glasses
	@echo "==> A drawn face that gets glasses: out/demo/glasses/sheets/edits.png"
	$(PY) -m crg.edit examples/digits --without examples/pairs/thin.png --with examples/pairs/thick.png --strength 0.2 --strength 0.3 --out out/demo/thick
	@echo "==> Digits that become thicker, a direction from one pair of images: out/demo/thick/sheets/edits.png"
	$(PY) -m crg.reconstruct examples/digits --out out/demo/reconstructed
	@echo "==> Digits, encoded and generated again: out/demo/reconstructed/sheets/reconstructions.png"
	$(PY) -m icgan_tf.evaluate --limit 500 --out out/demo/icgan-report
	@echo "==> The first model, measured on 500 digits: out/demo/icgan-report/report.html"
	@echo "==> Now a small CRG is trained. Its report is the last line; Ctrl-C stops it."
	$(PY) -m crg.train --preset quick

studio: .venv/studio.done
	$(PY) -m studio

test: .venv/dev.done
	$(PY) -m pytest

test-all: .venv/dev.done
	$(PY) -m pytest -m ""

lint: .venv/dev.done
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m basedpyright
	$(PY) -m common.results $(REPORTED) --check

# RESULTS.md is made of the reports of the models that come along.
results: .venv/dev.done
	$(PY) -m common.results $(REPORTED)

# With nothing else at work: about 15 minutes on two cores.
bench: .venv/bench.done
	$(PY) -m benchmarks.train_steps

format: .venv/dev.done
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean:
	rm -rf .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Python %d.%d is too old or too new: run make PYTHON=python3.12, or another of 3.11 to 3.13." % v)'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/run.done: requirements.txt | .venv/bin/python
	$(PIP) -r requirements.txt
	@touch $@

.venv/studio.done: requirements-studio.txt requirements-photo.txt requirements.txt | .venv/bin/python
	$(PIP) -r requirements-studio.txt
	@touch $@ .venv/run.done

.venv/bench.done: requirements-bench.txt requirements.txt | .venv/bin/python
	$(PIP) -r requirements-bench.txt
	@touch $@ .venv/run.done

.venv/dev.done: requirements-dev.txt requirements-export.txt requirements-studio.txt requirements-photo.txt requirements.txt | .venv/bin/python
	$(PIP) -r requirements-dev.txt
	@touch $@ .venv/run.done
