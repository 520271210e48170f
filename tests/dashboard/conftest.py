"""Fixtures of the dashboard: the command line says what its answers have to be."""

from __future__ import annotations

from tests.cli.conftest import _logging_as_it_was as _logging_as_it_was, cli as cli, data as data
