# right: the flags as members of an IntFlag

import enum


class Flag(enum.IntFlag):
    NEWIPC = CLONE_NEWIPC


def ipc_namespace(mode):
    if mode == "private":
        return Flag.NEWIPC, ""
    if mode == "host":
        return Flag(0), ""
    a, _, b = mode.partition(":")
    if a == "container" and b.isdecimal():
        return Flag(0), f"/proc/{b}/ns/ipc"
    raise ValueError
