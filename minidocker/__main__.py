"""`python -m minidocker`, and the installed command."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> int:
    """Run the command line in sys.argv; return the exit status."""
    from minidocker.cli import main as command

    return command(sys.argv[1:])


def runtime() -> int:
    """Be `minidocker-runtime`: the same as `minidocker oci`, for those that call a runtime."""
    from minidocker.cli import main as command

    return command(["oci", *sys.argv[1:]])


def runtime_only() -> NoReturn:
    """Be `minidocker-runtime`, and end at once: taking the interpreter apart costs 3 ms."""
    import gc

    gc.disable()
    status = 1
    try:
        status = runtime()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def start(root: str, bundle: str, loaded: bool) -> NoReturn:
    """Answer for the launcher that `make setup` writes; only `run` is in a hurry.

    The others get site-packages back, which the launcher's -S left out: 5 ms of a start and more.
    """
    if sys.argv[1:2] != ["run"]:
        import site

        site.main()
        sys.exit(main())
    status = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        if not loaded:
            from minidocker.make.bundle import refresh

            refresh(root, bundle)  # so that the next start is quick
    finally:
        os._exit(status)  # taking the interpreter apart costs 3 ms


if __name__ == "__main__":
    sys.exit(main())
