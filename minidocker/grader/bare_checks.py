"""Checks whose answers need no namespace, mount or right: what a plain process can show.

`tests/cli/test_autograder.py` holds that our solutions pass each of them there.
"""

from __future__ import annotations

CHECKS = frozenset((
    "exit_status", "limits_memory", "limits_cpu", "limits_pids", "why_words", "ipc_refuses",
    "lines", "argv", "lease_free", "lease_full", "filter_others", "filter_doors", "meaning",
    "place_of", "cache_hits", "cache_misses", "verify_bound", "choose_best", "choose_none",
    "headers_where", "trusted_yes", "trusted_no", "store_whole", "status_told", "status_real",
    "stop_grace", "stop_nobody_else", "supervise_waits", "supervise_ends", "log_pump",
    "log_full", "private", "spec_walls", "spec_values", "start_refuses",
))  # fmt: skip
