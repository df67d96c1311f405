"""`minidocker restore`: after a reboot, start what should run."""

from __future__ import annotations

from minidocker.engine import revival
from minidocker.images.store.store import Store
from minidocker.runtime import reading
from minidocker.verbs.parser import make

AFTER = """\
There is no daemon that would do it. At each start of the machine, for the containers of root:

  [Unit]                                  # /etc/systemd/system/minidocker-restore.service
  Description=Start the containers that should run
  After=network-online.target
  [Service]
  Type=oneshot
  RemainAfterExit=yes
  KillMode=none
  ExecStart=/usr/local/bin/minidocker restore
  [Install]
  WantedBy=multi-user.target

An ordinary user's processes end with the session, unless: loginctl enable-linger"""


def main(argv: list[str]) -> int:
    """Start each container whose policy says so; print the name of each."""
    make("restore", "Start containers that should run: see run --restart.", AFTER).parse_args(argv)
    store = Store()
    for record in reading.records(store.root):
        revival.revive(record)
        if revival.should_run(record, reboot=True):
            found = revival.restored(store, record)
            if found["alive"]:
                print(found["name"] or found["id"])
    return 0
