"""Checks: a file of tests and one of scenes for each lesson. See minidocker/grader/fixtures.py."""

from minidocker.grader.fixtures import (  # noqa: F401 - pytest finds fixtures and hooks by name
    blocked,
    cell,
    machine,
    pytest_generate_tests,
    started,
    zygote,
)
