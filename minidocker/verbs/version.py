"""`minidocker version`: what this is, and what it runs on."""

from __future__ import annotations

import os
import platform
from typing import Any

from minidocker import __version__
from minidocker.formats.rows import say
from minidocker.formats.template import Template
from minidocker.formats.values import as_json
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker version
  minidocker version --format '{{.Server.Version}}'
  minidocker version --format json

Client and Server are one program here: there is no daemon. Both are there because scripts ask.
"""
SHOWN = (("Version", "minidocker"), ("PythonVersion", "Python"), ("KernelVersion", "Linux"),
         ("Os", "OS"), ("Arch", "Architecture"))  # fmt: skip
API = "1.47"  # of Docker's: the names in our JSON are those of this version


def main(argv: list[str]) -> int:
    """Print the versions; return the exit status."""
    args = parser().parse_args(argv)
    found = about()
    if args.format == "json":
        say(as_json(found) + "\n")
    elif args.format:
        say(Template(args.format).fill(found) + "\n")
    else:
        client = found["Client"]
        for key, name in SHOWN:
            print(f"{name + ':':<14} {client[key]}")
        print(f"{'Daemon:':<14} none: nothing runs when no container runs")
    return 0


def about() -> dict[str, Any]:
    """Return the versions under Docker's names."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    each = {
        "Version": __version__,
        "ApiVersion": API,
        "DefaultAPIVersion": API,
        "MinAPIVersion": API,
        "GitCommit": "",
        "GoVersion": "",
        "PythonVersion": platform.python_version(),
        "Os": os.uname().sysname.lower(),
        "Arch": machine,
        "KernelVersion": os.uname().release,
        "BuildTime": "",
        "Experimental": False,
    }
    platform_name = {"Name": "minidocker"}
    return {
        "Client": {**each, "Platform": platform_name, "Context": "default"},
        "Server": {
            "Platform": platform_name,
            "Components": [{"Name": "minidocker", "Version": __version__, "Details": None}],
            **each,
        },
    }


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("version", "Say which versions are at work.", AFTER)
    made.add_argument("-f", "--format", default="", metavar="FORMAT",
                      help="json, or a template: '{{.Server.Version}}'")  # fmt: skip
    return made
