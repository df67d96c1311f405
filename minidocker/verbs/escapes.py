"""minidocker escapes: try known ways out of a container, and say which stage stops each."""

from __future__ import annotations

from minidocker.escapes import catalogue, laboratory, report
from minidocker.verbs.parser import Parser, make

DESCRIPTION = """\
Try known ways out of a container, each in a throw-away outer machine of namespaces.

An escape is tried without a container first: one that does not work there proves nothing, and is
"closed by this kernel". Then it is tried with all of our defaults. Where it is stopped, runs in
between (run --stages ..X) find the stage that stops it. What the attack prints is not believed:
we look at the kernel from outside, or compare a random secret that stands outside alone.
"""
EPILOG = """\
verdicts:
  stopped by STAGE            the first stage with which it no longer works
  stopped by the runtime      no run lets it work; a careless runtime, in a few lines, does
  works                       our defaults do not stop it (exit status 1)
  closed by this kernel       it does not work here without a container either
  only a kernel fix stops it  no wall of a container covers it
  blocked                     it would touch the whole machine: minidocker vm run minidocker escapes

examples:
  minidocker escapes                        all of them: a minute or two
  minidocker escapes --only ptrace_host     one of them; --only can be repeated
  minidocker escapes --matrix               every escape at every stage: some ten minutes
  minidocker escapes --list                 what there is, and where it is described
"""


def _parser() -> Parser:
    parser = make("escapes", DESCRIPTION, EPILOG)
    parser.add_argument("--list", action="store_true", help="list the escapes, and try none")
    parser.add_argument("--only", action="append", metavar="NAME", help="try this one only")
    parser.add_argument("--matrix", action="store_true", help="try every stage, and show them all")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("--svg", metavar="FILE", help="write the matrix as a picture, too")
    parser.add_argument("--no-podman", action="store_true", help="do not run Podman beside ours")
    return parser


def main(argv: list[str]) -> int:
    """Run `minidocker escapes`; 1 when one works with our defaults, or could not be measured."""
    options = _parser().parse_args(argv)
    if options.list:
        print(report.listing())
        return 0
    chosen = [catalogue.by_name(name) for name in dict.fromkeys(options.only or ())]
    escapes = chosen or list(catalogue.ESCAPES)
    podman = not options.no_podman and laboratory.podman_here()
    found = list(report.progress(
        laboratory.explore(escapes, options.matrix, podman), len(escapes),
        [escape.name for escape in escapes],
    ))  # fmt: skip
    if options.svg:
        from minidocker.escapes.picture import matrix

        matrix(found).save(options.svg)
    if options.json:
        print(report.as_json(found))
    else:
        print(report.full(found) if options.matrix else report.summary(found))
    return 0 if report.holds(found) else 1
