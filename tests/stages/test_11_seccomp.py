"""Checks of lesson 11: a filter, run as the kernel runs it, and tried on the kernel itself."""

import operator
import os
import random
import struct

from minidocker.course.outcomes import Fail, compared, good

ALLOW, ERRNO, KILL, KILL_THREAD = 0x7FFF0000, 0x00050000, 0x80000000, 0
NATIVE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
FOREIGN = {"x86_64": 0x40000003, "aarch64": 0x40000028}  # i386, arm: the 32-bit ABI beside it
MKDIR = {"x86_64": (83, 258), "aarch64": (34, 29)}  # mkdir and mkdirat; arm64 has mkdirat, ioctl
# Calls that no check needs: modules, the machine's name, swap. On arm64, 172 to 178 are getpid(2)
# and those like it.
SPARE = {"x86_64": range(170, 180), "aarch64": (89, 104, 105, 106, 161, 162, 224, 225)}

ALU = {0x00: operator.add, 0x10: operator.sub, 0x20: operator.mul, 0x40: operator.or_,
       0x50: operator.and_, 0x60: operator.lshift, 0x70: operator.rshift,
       0xA0: operator.xor}  # fmt: skip
TESTS = {0x10: operator.eq, 0x20: operator.gt, 0x30: operator.ge, 0x40: operator.and_}
"""What changes the accumulator, and what compares it: with k, or with the index register (| 8)."""

# --- the filter ---------------------------------------------------------------------------


def verdict(code, arch, number):
    """Run a filter as the kernel does; None when it runs off its end or does what it must not."""
    data = struct.pack("=IIQ6Q", number, arch, 0, 0, 0, 0, 0, 0, 0)
    place = word = index = 0
    notes = [0] * 16
    while place < len(code):
        what, yes, no, k = code[place]
        place += 1
        other, work = index if what & 8 else k, what & 0xF0
        match what & 7, what:
            case _, 0x20:
                word = struct.unpack_from("=I", data, k)[0] if k <= 60 else 0
            case (0 | 1) as register, _:  # a constant, a note, the length of the data
                value = notes[k & 15] if what & ~7 == 0x60 else 64 if what & ~7 == 0x80 else k
                word, index = (value, index) if register == 0 else (word, value)
            case (2 | 3) as register, _:
                notes[k & 15] = word if register == 2 else index
            case 4, _ if work in ALU and (other < 32 or work not in (0x60, 0x70)):
                word = ALU[work](word, other) & 0xFFFFFFFF
            case 4, 0x84:
                word = -word & 0xFFFFFFFF
            case 5, 0x05:
                place += k
            case 5, _ if work in TESTS:
                place += yes if TESTS[work](word, other) else no
            case 6, _:
                return word if what == 0x16 else k
            case 7, _:  # from one register into the other
                word, index = (index, index) if what == 0x87 else (word, word)
            case _:
                return None
    return None


def killed(found):
    """Say whether a verdict kills: the process, or its one thread."""
    return found in (KILL, KILL_THREAD)


def told(found):
    """Say a verdict in words."""
    if found is None:
        return "no verdict: the program runs off its end, or has an unknown instruction"
    names = {ALLOW: "ALLOW", KILL: "KILL", KILL_THREAD: "KILL, of the thread"}
    if found & 0xFFFF0000 == ERRNO:
        return f"ERRNO | {found & 0xFFFF}"
    return names.get(found, f"{found:#x}")


def must_kill(found, ran, through, otherwise):
    """Fail when a call gets through, or is refused in another way than it should be."""
    if not killed(found):
        raise Fail(through if found == ALLOW else otherwise, ran=ran, expected="KILL",
                   kernel=told(found))  # fmt: skip


def rules_of():
    """Two directory calls, and some that nobody needs: {number: errno}."""
    first, second = MKDIR[os.uname().machine]
    return {first: 1, second: 28, random.choice(SPARE[os.uname().machine]): 5}


def program(one):
    """Wait for the learner's program; return its instructions."""
    message = one.expect("program", "no bytes")
    if message.event == "no bytes":
        raise Fail("MD9012", name="compile_filter", value=message["kind"], wanted="bytes")
    text = bytes.fromhex(message["code"])
    if not text or len(text) % 8:
        raise Fail("MD1110", ran="compile_filter(rules)", count=len(text))
    if not message["kept"]:
        raise Fail("MD1119", ran="compile_filter(rules)")
    return list(struct.iter_unpack("=HBBI", text))


def tried(one, ran):
    """Wait until the process has installed the filter, and tried the calls under it."""
    try:
        message = one.expect("tried", "refused", "ended")
    except Fail as problem:
        raise (Fail("MD1113", ran=ran) if problem.code == "MD9005" else problem) from None
    if message.event == "refused":
        raise Fail("MD1111", ran=ran, text=message["text"])
    if message.event == "ended":
        raise Fail("MD1113", ran=ran)
    return message


def test_filter_refuses(subject, cell):
    rules = rules_of()
    with cell("filter", rules=list(rules.items()), before=another(rules)) as one:
        program(one)
        one.answer()
        message = tried(one, f"compile_filter({rules})")
        state = one.proc.field(one.number(message.sender), "Seccomp")
        wanted = {str(number): errno for number, errno in rules.items()}
        lines = compared(wanted, message["seen"])
        if not good(lines) or state != "2":
            raise Fail("MD1112", ran=f"compile_filter({rules})", lines=lines)


def another(rules):
    """One rule for a call that none of these is for: the first that the function is asked for."""
    return [random.choice([number for number in range(180, 600) if number not in rules]), 13]


def test_filter_others(subject, cell):
    numbers = (0, *random.sample(range(1, 600), 99))
    for some in (numbers, numbers[1:2]):
        rules = {number: random.randrange(1, 134) for number in some}
        with cell("filter", rules=list(rules.items()), before=another(rules)) as one:
            verdicts_are_right(program(one), rules)


def verdicts_are_right(code, rules):
    """Run a filter for all numbers of calls there are, and some more; Fail at the first wrong one."""
    native = NATIVE[os.uname().machine]
    for number in (*range(640), *random.sample(range(640, 1 << 30), 50)):
        found = verdict(code, native, number)
        wanted = ERRNO | rules[number] if number in rules else ALLOW
        if found != wanted:
            count = "one rule" if len(rules) == 1 else f"{len(rules)} rules"
            raise Fail("MD1114", ran=f"compile_filter with {count}, not the first time",
                       number=number, expected=told(wanted), kernel=told(found))  # fmt: skip


def test_filter_doors(subject, cell):
    rules = rules_of()
    machine = os.uname().machine
    with cell("filter", rules=list(rules.items()), before=another(rules)) as one:
        code = program(one)
        ran = f"compile_filter({rules})"
        foreign = [(FOREIGN[machine], number) for number in (20, 39, *rules)]
        foreign += [(random.getrandbits(32) & ~1, number) for number in (0, *rules)]
        for arch, number in foreign:
            must_kill(verdict(code, arch, number), ran, "MD1115", "MD1117")
        if machine == "x86_64":
            for number in (*rules, 0, 0x3FFFFFFF):
                found = verdict(code, NATIVE[machine], number | 0x40000000)
                must_kill(found, ran, "MD1116", "MD1118")
            for number in (0x80000000, 0x80000000 + random.randrange(1 << 30), 0xFFFFFFFF):
                found = verdict(code, NATIVE[machine], number)
                must_kill(found, f"{ran}; then the number {number:#x}", "MD1120", "MD1120")
        one.answer()
        tried(one, ran)
        one.answer()
        if machine == "x86_64":
            message = one.expect("door", "ended")
            if message.event == "door":
                raise Fail("MD1115", ran=f"{ran}, then int 0x80", expected="killed by SIGSYS",
                           kernel=f"it answered {message['value']}")  # fmt: skip
