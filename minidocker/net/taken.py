"""Whose a port is: a container of this store, or a process of this host. proc_pid_net(5)"""

from __future__ import annotations

import os

from minidocker.places import at_once
from minidocker.proc.living import is_kept

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel


def by_whom(kernel: Kernel, containers: str, protocol: str, port: int) -> str:
    """Say who has a port, in a few words; "" when that cannot be told."""
    return of_container(kernel, containers, protocol, port) or of_process(protocol, port)


def of_container(kernel: Kernel, containers: str, protocol: str, port: int) -> str:
    """Look through the records of the containers that run."""
    import json

    for id in os.listdir(containers) if os.path.isdir(containers) else ():
        directory = f"{containers}/{id}"
        try:
            with open(f"{directory}/record.json", encoding="utf-8", opener=at_once) as stream:
                record = json.load(stream)
            ports = (record["spec"].get("net") or {}).get("ports") or ()
        except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
            continue
        has = any(p["host"] == port and p["protocol"] == protocol for p in ports)
        # "created": it asks for its ports just now, as we do
        held = kernel.is_locked(f"{directory}/lock") or is_kept(directory)
        if has and record.get("status") == "running" and held:
            return f"container {record['name'] or record['id']}"
    return ""


def of_process(protocol: str, port: int) -> str:
    """Find the socket in the tables of this network namespace, and who has it open."""
    for table in (protocol, f"{protocol}6"):
        for words in rows(f"/proc/self/net/{table}"):
            listens = protocol == "udp" or words[3] == "0A"
            if int(words[1].rpartition(":")[2], 16) == port and listens:
                return owner(words[9]) or f"a process of user {words[7]}"
    return ""


def rows(path: str) -> list[list[str]]:
    """Return the words of each line of a table of sockets, without its heading."""
    try:
        with open(path, encoding="ascii") as stream:
            return [line.split() for line in stream.readlines()[1:]]
    except OSError:
        return []


def owner(inode: str) -> str:
    """Name the process that has a socket open: "nginx (process 4711)"; "" for other users' ones."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{fd}") == f"socket:[{inode}]":
                    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
                        return f"{stream.read().strip()} (process {pid})"
        except OSError:
            continue  # it has ended, or is another user's
    return ""
