"""Checks of lesson 11: a filter, run as the kernel runs it, and tried on the kernel itself."""

import os
import random
import struct

from minidocker.course.outcomes import Fail, compared, good

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NATIVE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
FOREIGN = {"x86_64": 0x40000003, "aarch64": 0x40000028}  # i386, arm: the 32-bit ABI beside it
MKDIR = {"x86_64": (83, 258), "aarch64": (34, 29)}  # mkdir and mkdirat; arm64 has mkdirat, ioctl


# --- the filter ---------------------------------------------------------------------------


def verdict(code, arch, number):
    """Run a filter as the kernel does; None when it runs off its end or does what it must not."""
    data = struct.pack("=IIQ6Q", number, arch, 0, 0, 0, 0, 0, 0, 0)
    place = word = 0
    while place < len(code):
        what, yes, no, k = code[place]
        place += 1
        if what == 0x20:
            word = struct.unpack_from("=I", data, k)[0] if k <= 60 else 0
        elif what == 0x54:
            word &= k
        elif what == 0x05:
            place += k
        elif what == 0x06:
            return k
        elif what in (0x15, 0x25, 0x35):
            holds = word == k if what == 0x15 else word > k or (what == 0x35 and word == k)
            place += yes if holds else no
        else:
            return None
    return None


def rules_of():
    """Two directory calls, and some that nobody needs: {number: errno}."""
    first, second = MKDIR[os.uname().machine]
    return {first: 1, second: 28, random.randrange(170, 180): 5}


def program(one):
    """Wait for the learner's program; return its instructions."""
    message = one.expect("program", "no bytes")
    if message.event == "no bytes":
        raise Fail("MD9012", name="compile_filter", value=message["kind"], wanted="bytes")
    text = bytes.fromhex(message["code"])
    if not text or len(text) % 8:
        raise Fail("MD1110", ran="compile_filter(rules)", count=len(text))
    return list(struct.iter_unpack("=HBBI", text))


def test_filter_refuses(subject, cell):
    rules = rules_of()
    with cell("filter", rules=list(rules.items())) as one:
        program(one)
        one.answer()
        try:
            message = one.expect("tried", "refused", "ended")
        except Fail as problem:
            raise (Fail("MD1113") if problem.code == "MD9005" else problem) from None
        if message.event == "refused":
            raise Fail("MD1111", ran=f"compile_filter({rules})", text=message["text"])
        if message.event == "ended":
            raise Fail("MD1113", ran=f"compile_filter({rules})")
        state = one.proc.field(one.number(message.sender), "Seccomp")
        wanted = {str(number): errno for number, errno in rules.items()}
        lines = compared(wanted, message["seen"])
        if not good(lines) or state != "2":
            raise Fail("MD1112", ran=f"compile_filter({rules})", lines=lines)


def test_filter_others(subject, cell):
    rules = {number: random.randrange(1, 134) for number in random.sample(range(600), 100)}
    with cell("filter", rules=list(rules.items())) as one:
        code = program(one)
        native = NATIVE[os.uname().machine]
        for number in (*range(640), *random.sample(range(640, 1 << 30), 50)):
            found = verdict(code, native, number)
            wanted = ERRNO | rules[number] if number in rules else ALLOW
            if found != wanted:
                raise Fail("MD1114", ran=f"compile_filter with {len(rules)} rules", number=number,
                           expected=f"{wanted:#x}",
                           kernel="no verdict" if found is None else f"{found:#x}")  # fmt: skip


def test_filter_doors(subject, cell):
    rules = rules_of()
    machine = os.uname().machine
    with cell("filter", rules=list(rules.items())) as one:
        code = program(one)
        ran = f"compile_filter({rules})"
        foreign = [(FOREIGN[machine], number) for number in (20, 39, *rules)]
        foreign += [(random.getrandbits(32) & ~1, number) for number in (0, *rules)]
        for arch, number in foreign:
            found = verdict(code, arch, number)
            if found is None or found >> 31 == 0:
                raise Fail("MD1115", ran=ran, expected="killed", kernel=f"{found or 0:#x}")
        if machine == "x86_64":
            for number in (*rules, 0, 0x3FFFFFFF):
                found = verdict(code, NATIVE[machine], number | 0x40000000)
                if found is None or found >> 31 == 0:
                    raise Fail("MD1116", ran=ran, expected="killed", kernel=f"{found or 0:#x}")
        one.answer()
        one.expect("tried")
        one.answer()
        if machine == "x86_64":
            message = one.expect("door", "ended")
            if message.event == "door":
                raise Fail("MD1115", ran=f"{ran}, then int 0x80", expected="killed by SIGSYS",
                           kernel=f"it answered {message['value']}")  # fmt: skip
