"""Compiler: rules → a filter program.

The filter runs before *every* system call, so it searches: for each ABI the numbers are cut
into ranges with one verdict, and a tree of comparisons finds the range in some seven steps.
"""

from __future__ import annotations

from minidocker.seccomp import bpf, calls
from minidocker.seccomp.profile import ENOSYS, ERRNO, KILL_PROCESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from minidocker.seccomp.profile import Rules

HALF = 0xFFFFFFFF


def compile_rules(rules: Rules) -> bytes:
    """Compile to the kernel's instructions (struct sock_filter, 8 bytes each).

    The architecture is looked at first: the same number is another call in another ABI, and a
    program may choose its ABI (`int 0x80` on x86_64). One that the profile does not name kills.
    """
    program = bpf.Assembler()
    native = [abi for abi in rules.calls if abi != "x32"]
    program.load(bpf.ARCH)
    for abi in native:
        here, other = program.name(), program.name()
        program.test(bpf.EQUAL, calls.ARCHITECTURES[abi], here, other)
        program.label(here)
        program.load(bpf.NUMBER)
        if abi == "x86_64":
            plain, x32 = program.name(), program.name()
            program.test(bpf.AT_LEAST, calls.X32, x32, plain)
            program.label(x32)
            if "x32" in rules.calls:
                search(program, ranges(rules, "x32"))
            else:
                program.give(KILL_PROCESS)
            program.label(plain)
        search(program, ranges(rules, abi))
        program.label(other)
    program.give(KILL_PROCESS)
    return program.assemble()


def ranges(rules: Rules, abi: str) -> list[tuple[int, Any]]:
    """Cut the numbers into ranges: [(first number, verdict or list of (conditions, verdict))].

    A call above all that the profile knows gets ENOSYS where the default is an errno: programs
    ask for new calls, and fall back to old ones only when they are told "there is no such call".
    """
    first = calls.X32 if abi == "x32" else 0
    newest = rules.known[abi]
    polite = rules.default & ~0xFFFF == ERRNO and newest

    def unnamed(number: int) -> int:
        return ERRNO | ENOSYS if polite and number > newest else rules.default

    verdicts = {number: simple(pairs, rules.default) for number, pairs in rules.calls[abi].items()}
    for number in [first, newest + 1, *(number + 1 for number in verdicts)]:
        verdicts.setdefault(number, unnamed(number))
    found: list[tuple[int, Any]] = []
    for number in sorted(verdicts):
        if not found or found[-1][1] != verdicts[number]:
            found.append((number, verdicts[number]))
    return found


def simple(pairs: list[tuple[list[Any], int]], default: int) -> Any:
    """Turn a number's pairs into one verdict where no condition matters; else leave them.

    A pair without conditions decides for all others with its verdict, wherever it stands.
    """
    always = next((verdict for conditions, verdict in pairs if not conditions), default)
    chain = [(conditions, verdict) for conditions, verdict in pairs if conditions]
    while chain and chain[-1][1] == always:
        chain.pop()
    return [*chain, ([], always)] if chain else always


def search(program: bpf.Assembler, found: list[tuple[int, Any]]) -> None:
    """Emit a binary search over the ranges; the number is in the accumulator."""
    if len(found) == 1:
        decide(program, found[0][1])
        return
    middle = len(found) // 2
    left, right = program.name(), program.name()
    program.test(bpf.AT_LEAST, found[middle][0], right, left)
    program.label(left)
    search(program, found[:middle])
    program.label(right)
    search(program, found[middle:])


def decide(program: bpf.Assembler, what: Any) -> None:
    """Emit a range's end: a verdict, or conditions on the arguments and their verdicts."""
    if isinstance(what, int):
        program.give(what)
        return
    for conditions, verdict in what:
        fails = program.name()
        for condition in conditions:
            holds = program.name()
            compare(program, condition, holds, fails)
            program.label(holds)
        program.give(verdict)
        program.label(fails)
    if what[-1][0]:
        raise ValueError("the last pair has conditions: nobody decides when they fail")


def compare(program: bpf.Assembler, condition: tuple[Any, ...], yes: str, no: str) -> None:
    """Emit one comparison of a 64-bit argument, in halves of 32 bits."""
    index, comparison, value, two = condition
    low = bpf.ARGUMENTS + 8 * index
    if comparison == "NE":
        comparison, yes, no = "EQ", no, yes
    elif comparison in ("LT", "LE"):
        comparison, yes, no = {"LT": "GE", "LE": "GT"}[comparison], no, yes
    then = program.name()
    program.load(low + 4)
    if comparison in ("EQ", "MASKED_EQ"):
        mask = value if comparison == "MASKED_EQ" else HALF << 32 | HALF
        wanted = two & mask if comparison == "MASKED_EQ" else value
        if mask >> 32 != HALF:
            program.keep(mask >> 32)
        program.test(bpf.EQUAL, wanted >> 32, then, no)
        program.label(then)
        program.load(low)
        if mask & HALF != HALF:
            program.keep(mask & HALF)
        program.test(bpf.EQUAL, wanted & HALF, yes, no)
        return
    same = program.name()
    program.test(bpf.GREATER, value >> 32, yes, same)
    program.label(same)
    program.test(bpf.EQUAL, value >> 32, then, no)
    program.label(then)
    program.load(low)
    program.test(bpf.GREATER if comparison == "GT" else bpf.AT_LEAST, value & HALF, yes, no)
