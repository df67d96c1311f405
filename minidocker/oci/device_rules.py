"""Device rules: which device nodes work, as an eBPF program of ours.

config-linux.md, "Allowed Device list": the last rule that fits decides. The kernel runs the program
at each open and mknod of a node, with what is asked in struct bpf_cgroup_dev_ctx. bpf(2)
"""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.oci.config import Part
from minidocker.runtime.elf import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BLOCK, CHARACTER = 1, 2  # the low half of access_type
ACCESS = {"m": 1, "r": 2, "w": 4}  # its high half
KINDS = {"a": 0, "b": BLOCK, "c": CHARACTER, "u": CHARACTER}
ANY = -1
# What every container may use, whatever its rules say; as in runc. Making a node opens nothing.
ALWAYS = (
    (CHARACTER, ANY, ANY, "m"), (BLOCK, ANY, ANY, "m"),
    *((CHARACTER, 1, minor, "rwm") for minor in (3, 5, 7, 8, 9)),  # null zero full random urandom
    (CHARACTER, 5, 0, "rwm"), (CHARACTER, 5, 2, "rwm"),  # tty, ptmx
    (CHARACTER, 136, ANY, "rwm"),  # /dev/pts/*
)  # fmt: skip

# Instructions of eBPF: opcode, registers (destination | source << 4), offset, value.
# r1 the context, r2 kind, r3 access, r4 major, r5 minor.
LOAD, MOVE, AND, SHIFT_RIGHT, EXIT = 0x61, 0xB7, 0x57, 0x77, 0x95
MOVE_REGISTER, EQUAL, NOT_EQUAL, AND_32 = 0xBF, 0x15, 0x55, 0x54


class Rule:
    """One rule: kind (0: any), major and minor (-1: any), letters of the access, the verdict."""

    __slots__ = ("access", "allow", "kind", "major", "minor")

    def __init__(self, allow: bool, kind: int, major: int, minor: int, access: str) -> None:
        self.allow, self.kind, self.major, self.minor = allow, kind, major, minor
        self.access = access

    def is_for_all(self) -> bool:
        """Say whether nothing is left to decide after this rule."""
        anything = self.kind == 0 and self.major == self.minor == ANY
        return anything and set(self.access) == set(ACCESS)


def read(resources: dict[str, Any]) -> list[Rule] | None:
    """Read the rules of a bundle; None where it has none: then every node works."""
    parts = Part(resources, "linux.resources").parts("devices")
    return [rule(part) for part in parts] if parts else None


def rule(part: Part) -> Rule:
    """Read one rule."""
    kind, access = part.text("type", "a") or "a", part.text("access") or "rwm"
    if kind not in KINDS or set(access) - {*ACCESS, "a"}:  # "rwa" stands in runc's own tests
        raise UsageError(f"config.json: {part.where} has a type or an access that is none")
    major, minor = part.number("major"), part.number("minor")
    if not all(number is None or ANY <= number < 1 << 32 for number in (major, minor)):
        raise UsageError(f"config.json: {part.where} has a number that no device can have")
    access = "".join(letter for letter in access if letter in ACCESS)
    numbers = [ANY if number is None else number for number in (major, minor)]
    return Rule(part.flag("allow"), KINDS[kind], numbers[0], numbers[1], access)


def program(rules: list[Rule]) -> bytes:
    """Return the program: 1 allows, 0 refuses. What no rule speaks of is refused."""
    code = [
        one(LOAD, 2, 1, 0), one(AND_32, 2, 0, 0, 0xFFFF),
        one(LOAD, 3, 1, 0), one(SHIFT_RIGHT, 3, 0, 0, 16),
        one(LOAD, 4, 1, 4), one(LOAD, 5, 1, 8),
    ]  # fmt: skip
    always = [Rule(True, *wanted) for wanted in ALWAYS]
    for wanted in reversed([*rules, *always]):
        code += test(wanted)
        if wanted.is_for_all():  # the kernel takes no program with instructions that none reaches
            return b"".join(code)
    return b"".join([*code, one(MOVE, 0), one(EXIT)])


def test(rule: Rule) -> list[bytes]:
    """Return the instructions of one rule; each test jumps to the next rule when it does not hold.

    r3 has what is still to be decided: a rule that allows takes its part away, and the program ends
    when nothing is left. One that refuses a part of it refuses all.
    """
    bits = sum(ACCESS[letter] for letter in set(rule.access))
    rest = [one(MOVE, 0, 0, 0, int(rule.allow)), one(EXIT)]
    if bits != 7 and rule.allow:
        rest = [one(AND, 3, 0, 0, 7 & ~bits), one(NOT_EQUAL, 3, 0, 2, 0), *rest]
    elif bits != 7:
        rest = [one(MOVE_REGISTER, 1, 3), one(AND, 1, 0, 0, bits), one(EQUAL, 1, 0, 2, 0), *rest]
    for register, number in ((5, rule.minor), (4, rule.major)):
        if number >= 0:
            rest = [one(NOT_EQUAL, register, 0, len(rest), number), *rest]
    if rule.kind:
        rest = [one(NOT_EQUAL, 2, 0, len(rest), rule.kind), *rest]
    return rest


def one(code: int, target: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    """Pack one instruction: struct bpf_insn."""
    return bytes((code, target | source << 4)) + offset.to_bytes(2, "little") + pack("I", value)
