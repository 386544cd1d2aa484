"""Prints the table of faults behind the tests."""

from __future__ import annotations

import pytest

from tests.faults.faulty import TABLE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a person read, for how long nothing was answered, and what became of what had been acknowledged."""
    if TABLE:
        terminalreporter.section("faults")
    for row in TABLE:
        terminalreporter.write_line(
            f"{row.fault}: silence {row.silence:.2f} s, {row.answers} answers; {row.kept or 'nothing to lose'}; "
            f"reads: {row.reads or 'nothing'}"
        )
