"""`python -m minidocker`, and the installed command."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line in sys.argv; return the exit status."""
    from minidocker.cli import main as command

    return command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
