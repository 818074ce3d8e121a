# Each target makes .venv when it is missing. PYTHON chooses the interpreter: 3.11, 3.12 or 3.13.
PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check

.PHONY: demo studio test test-all lint format clean

demo: .venv/run.done
	$(PY) -m crg.reconstruct examples/digits --out out/demo/reconstructed
	$(PY) -m crg.edit examples/digits --without examples/pairs/thin.png --with examples/pairs/thick.png --strength 0.5 --out out/demo/thick
	$(PY) -m icgan_tf.edit examples/digits --shift 1 --out out/demo/plus-one
	$(PY) -m icgan_tf.evaluate --limit 500 --out out/demo/icgan-report
	$(PY) -m ifcvaegan.edit examples/drawn-faces --run weights/ifcvaegan-drawn --set Eyeglasses=1 --out out/demo/glasses
	$(PY) -m igan.edit --strokes examples/scribbles/boot.json --out out/demo/boots
	@echo "With CelebA's aligned faces in a folder: ifcvaegan.edit FACES --set Smiling=1 makes them smile, ifcvaegan.train --data-dir CELEBA learns any of 40 attributes."
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

.venv/dev.done: requirements-dev.txt requirements-export.txt requirements-studio.txt requirements-photo.txt requirements.txt | .venv/bin/python
	$(PIP) -r requirements-dev.txt
	@touch $@ .venv/run.done
