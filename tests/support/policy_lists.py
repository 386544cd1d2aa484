"""Small lists, compiled for a test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.lists.compiled import CompiledLists
from gateway.lists.compiler import CompileReport, ListInput, compile_lists
from gateway.model.verdict import Action

BLOCK, ALLOW = Action.BLOCK, Action.ALLOW


def compile_texts(folder: Path, *lists: tuple[str, Action, str]) -> tuple[CompiledLists, CompileReport]:
    """Compiles (title, action, text) lists in this folder; subscription ids count from 1."""
    inputs: list[ListInput] = []
    for number, (title, action, text) in enumerate(lists, 1):
        path = folder / f"{number}.txt"
        path.write_text(text, encoding="utf-8")
        inputs.append(ListInput(number, title, action, path))
    return compile_inputs(folder, inputs)


def compile_inputs(folder: Path, inputs: Sequence[ListInput]) -> tuple[CompiledLists, CompileReport]:
    out = folder / "compiled.bin"
    report = compile_lists(inputs, out)
    return CompiledLists.open(out), report
