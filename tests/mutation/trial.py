"""One trial: the tests of a target, in a private process that was forked for it, against one mutant or none.

The process is a fork of one that has imported the libraries and nothing of ours, so that it costs a fraction of a
start. It may use so much processor time and memory, and not more. What it finds goes into a file of its own folder.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.util
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import hypothesis
import pytest

_MEMORY = 2 << 30
_SECONDS = 600
_PLUGINS = ("pytest_timeout", "_hypothesis_pytestplugin")
# The quick tests only; and the assertions are left as they are: nobody reads why a mutant failed.
_QUICK = ("-q", "-m", "not slow", "--tb=short", "--assert=plain", *(f"-p{plugin}" for plugin in _PLUGINS))


@dataclass(frozen=True, slots=True)
class Trial:
    """`allowed` are the tests that are run, in this order, of those in `files`, and how many seconds of processor time
    each may take; None for all of them, without a limit of its own.

    With `watched` the result says of each test what it reached and cost.
    """

    module: str
    code: CodeType
    files: tuple[str, ...]
    allowed: Mapping[str, float] | None
    watched: bool = False


class _Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves the one module from its code, wherever and whenever it is imported."""

    def __init__(self, trial: Trial, reached: set[int]) -> None:
        self._trial = trial
        self._reached = reached

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> ModuleSpec | None:
        if name != self._trial.module:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self._trial.code.co_filename)

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self._trial.code.co_filename
        module.__dict__["__reached__"] = self._reached
        exec(self._trial.code, module.__dict__)


class _Watch:
    """A pytest plugin that leaves out what need not be run, and writes down what happened."""

    def __init__(self, trial: Trial, reached: set[int]) -> None:
        self._allowed = trial.allowed
        self._reached = reached
        self._on_import: frozenset[int] = frozenset()
        self.failed: str | None = None
        self.tests: dict[str, dict[str, Any]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._allowed is not None:
            found = {item.nodeid: item for item in items}
            items[:] = [found[name] for name in self._allowed if name in found]

    def pytest_collection_finish(self) -> None:
        # What functions made while the module was imported, every test sees.
        self._on_import = frozenset(self._reached)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._reached.clear()
        if self._allowed is not None:
            # Whoever computes for longer ends at once: nobody handles this signal.
            signal.setitimer(signal.ITIMER_PROF, self._allowed[item.nodeid])
        start = time.process_time()
        try:
            return (yield)
        finally:
            spent = time.process_time() - start
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.tests[item.nodeid] = {"seconds": spent, "reached": sorted(self._reached | self._on_import)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid


def start(trial: Trial, folder: Path) -> int:
    """Forks the process of this trial, which leaves `out.txt` and `result.json` in the folder; returns its id.

    It ends with pytest's exit code, and leads a group of its own with all that its tests start.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setpgid(0, 0)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        _confine(folder)
        code = _run(trial, folder)
    except BaseException:
        traceback.print_exc()
    finally:
        # Not by way of the interpreter: threads that a mutant left behind would be waited for.
        sys.stdout.flush()
        os._exit(code)


def _confine(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.open(folder / "out.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(source, target)


def _run(trial: Trial, folder: Path) -> int:
    reached: set[int] = set()
    watch = _Watch(trial, reached)
    sys.meta_path.insert(0, _Loader(trial, reached))
    _same_examples_every_time()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = [*_QUICK, "-x", "-o", "timeout=0", f"--basetemp={folder / 'tmp'}"]
    code = int(pytest.main([*options, *trial.files], plugins=[watch]))
    result = {"failed": watch.failed, "tests": watch.tests if trial.watched else {}}
    (folder / "result.json").write_text(json.dumps(result))
    return code


def _same_examples_every_time() -> None:
    hypothesis.settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("mutation")


def preload(names: Sequence[str]) -> None:
    """Imports libraries once, for all processes that are forked from here. Raises ImportError."""
    for name in (*_PLUGINS, *names):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
