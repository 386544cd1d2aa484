#!/usr/bin/env bash
# Renews requirements.lock (the product) and requirements-dev.lock (and its tests) for every Python we support.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/pip install -q uv
compile() { .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate "$@"; }
compile pyproject.toml -o requirements.lock
compile pyproject.toml --extra dev -o requirements-dev.lock
