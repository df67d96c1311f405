"""A new name in the lease table of a network, which is what its members' /etc/hosts hold."""

from __future__ import annotations

import pytest

from minidocker.engine.renaming import renamed


@pytest.mark.parametrize(
    ("owner", "now"),
    [
        ("abc web box alias", "abc new box alias"),
        ("abc box", "abc new box"),  # it had no name
        ("abc web new", "abc new"),
        ("def web", "def web"),
        ("abc", "abc new"),
    ],
)
def test_one_line_of_a_lease_table(owner: str, now: str) -> None:
    assert renamed(owner, "abc", "web", "new") == now
