"""Nobody in a cell signs a message with another process's number.

Each message on the line carries its sender's pid, and a check looks at that process. Whoever has
CAP_SYS_ADMIN may write another number there, and in a cell everybody has it. So the calls that can
are refused, by a filter; send(2) and write(2) are left: there the kernel itself says who it is.
Manual: unix(7), SCM_CREDENTIALS.
"""

from __future__ import annotations

import os
from errno import ENOSYS, EPERM

from minidocker.kernel.linux import Linux
from minidocker.seccomp import bpf

# sendmsg, sendmmsg, and io_uring_setup: a ring sends messages too
CALLS = {"x86_64": (46, 307, 425), "aarch64": (211, 269, 425)}
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
FREE = {
    "scenes_00_what_is_a_container": ("look",),
    "scenes_08_network": ("*",),
    "scenes_09_ports": ("*",),
    "scenes_11_seccomp": ("*",),
}
"""Scenes without it: ip(8) and nft(8) speak by sendmsg; in the others a filter is the question."""


def signs(scenes: str, scene: str) -> bool:
    """Say whether the senders of a scene's messages are held to their own numbers."""
    return not {"*", scene} & set(FREE.get(scenes, ()))


def hold(kernel: Linux) -> None:
    """Refuse to this process, and to all that it starts, the calls by which a number is forged."""
    machine = os.uname().machine
    program = bpf.Assembler()
    program.load(bpf.ARCH)
    program.test(bpf.EQUAL, AUDIT_ARCH[machine], "ours", "strange")
    program.label("ours")
    program.load(bpf.NUMBER)
    program.test(bpf.AT_LEAST, X32, "strange", "known")
    program.label("known")
    for number in CALLS[machine]:
        other = program.name()
        program.test(bpf.EQUAL, number, "refused", other)
        program.label(other)
    program.give(ALLOW)
    program.label("refused")
    program.give(REFUSE | EPERM)
    program.label("strange")  # another table of calls, with other numbers for the same
    program.give(REFUSE | ENOSYS)
    kernel.seccomp(program.assemble())
