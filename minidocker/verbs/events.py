"""`minidocker events`: what happens to containers, images, volumes and networks, as it happens."""

from __future__ import annotations

import time
from collections.abc import Iterator

from minidocker.engine import told
from minidocker.engine.told import Event, Events
from minidocker.formats.rows import one_line, say
from minidocker.formats.template import Template
from minidocker.formats.values import as_json
from minidocker.images.store.store import Store
from minidocker.verbs.logs import moment, written
from minidocker.verbs.narrow import add_filter
from minidocker.verbs.parser import Parser, make

AFTER = """\
examples:
  minidocker events                                  from now on, until Ctrl-C
  minidocker events --since 10m --until 0s           the last ten minutes, and no more
  minidocker events -f event=die --format '{{.id}} {{.Actor.Attributes.exitCode}}'
  minidocker events --since 2027-01-31 --format json | jq .Action

Of containers: create, start, kill, die, stop, restart, pause, unpause, update, rename, destroy,
attach, top, commit, export, archive-path, extract-to-dir, health_status, exec_create, exec_start,
exec_die. Of images: pull, push, import, load, save, tag (a build, too), untag, delete. Of volumes
and networks: create, destroy. Of all four: prune. Filters: container, event, image, label, network,
type, volume. No daemon keeps them: each command appends a line to a file of the store, and the
oldest are dropped.
"""
GO = {"Status": "status", "ID": "id", "From": "from", "Scope": "scope", "Time": "time",
      "TimeNano": "timeNano"}  # fmt: skip


def main(argv: list[str]) -> int:
    """Print events until --until, or Ctrl-C; return the exit status."""
    args = parser().parse_args(argv)
    wanted = told.wanted(args.filter)
    template = Template(args.format) if args.format not in ("", "json") else None
    since = moment(args.since, "--since")
    until = moment(args.until, "--until")
    for event in stream(Events(Store().root), since, until):
        if wanted.fit(event):
            if template:
                say(template.fill(event | named(event)) + "\n")
            else:
                say((as_json(event) if args.format else line(event)) + "\n")
    return 0


def stream(events: Events, since: str, until: str) -> Iterator[Event]:
    """Yield the events from `since` to `until`; without `until` there is no end."""
    if since or until:
        for event in events.past():
            if (since or "") <= stamp(event) and (not until or stamp(event) <= until):
                yield event
    else:
        events.skip()
    for new in events.come():
        if new is None:
            if until and until <= written(time.time_ns()):
                return
            told.wait()
        elif not until or stamp(new) <= until:
            yield new


def named(event: Event) -> Event:
    """Return what a template asks by the names of Docker's Go, which are not those of its JSON."""
    return {name: event.get(key, "") for name, key in GO.items()}


def stamp(event: Event) -> str:
    """Return when it was, in a way to write it that sorts."""
    return written(int(event["timeNano"]))


def line(event: Event) -> str:
    """Write an event for people, as Docker does."""
    facts = event["Actor"]["Attributes"]
    told = ", ".join(f"{name}={facts[name]}" for name in sorted(facts))
    what = f"{event['Type']} {event['Action']} {event['Actor']['ID']}"
    return one_line(f"{stamp(event)} {what} ({told})")


def parser() -> Parser:
    """Build the parser; completion reads it, too."""
    made = make("events", "Tell what happens, to containers most of all.", AFTER)
    add_filter(made, "what stands below")
    made.add_argument("--format", default="", metavar="FORMAT", help="json, or a template")
    made.add_argument("--since", default="", metavar="TIME", help="also what was since then")
    made.add_argument("--until", default="", metavar="TIME", help="end then")
    return made
