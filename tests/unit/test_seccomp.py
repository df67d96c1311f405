"""The filter compiler, judged by a small BPF machine and, call by call, by libseccomp."""

from __future__ import annotations

import functools
import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from minidocker.errors import UsageError
from minidocker.kernel.flags import CLONE_NEWNS, CLONE_NEWUSER
from minidocker.seccomp import bpf, cache, calls, compiler, profile

ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x50001, 0x50026
DOCKERS_CAPS = {
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}  # fmt: skip
DEFAULT = Path(cache.HERE, "default.json")


@functools.cache
def decoded(program: bytes) -> list[tuple[int, ...]]:
    return list(struct.iter_unpack("=HBBI", program))


def run(program: bytes, arch: int, number: int, args: tuple[int, ...] = ()) -> int:
    """Run a filter on one system call, as the kernel does; its verdict."""
    words = (*args, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=IIQ6Q", number, arch, 0, *words)
    code = decoded(program)
    place = accumulator = 0
    while True:
        what, yes, no, k = code[place]
        place += 1
        if what == bpf.LOAD:
            accumulator = struct.unpack_from("=I", data, k)[0]
        elif what == bpf.AND:
            accumulator &= k
        elif what == bpf.JUMP:
            place += k
        elif what == bpf.RETURN:
            return k
        else:
            if what == bpf.EQUAL:
                holds = accumulator == k
            else:
                holds = accumulator > k or (what == bpf.AT_LEAST and accumulator == k)
            place += yes if holds else no


def compiled(
    what: dict, machine: str = "x86_64", caps: set[str] = DOCKERS_CAPS, kernel: tuple = (6, 1)
) -> bytes:
    return compiler.compile_rules(profile.rules(what, "profile.json", machine, caps, kernel))


@pytest.fixture(scope="module")
def default() -> dict:
    return profile.read(DEFAULT.read_text(), str(DEFAULT))


# --- the assembler -------------------------------------------------------------------------


def test_a_label_that_is_too_far_for_a_byte_is_reached_all_the_same() -> None:
    program = bpf.Assembler()
    program.load(bpf.NUMBER)
    program.test(bpf.EQUAL, 7, "far", "near")
    program.label("near")
    for number in range(400):
        program.test(bpf.EQUAL, 1000 + number, "farther", f"next{number}")
        program.label(f"next{number}")
    program.give(1)
    program.label("far")
    program.give(2)
    program.label("farther")
    program.give(3)
    code = program.assemble()
    assert [run(code, 0, number) for number in (7, 8, 1000, 1399, 1400)] == [2, 1, 3, 3, 1]


def test_a_program_longer_than_the_kernel_takes_is_refused() -> None:
    program = bpf.Assembler()
    for _ in range(bpf.MOST + 1):
        program.load(0)
    with pytest.raises(ValueError, match="4096"):
        program.assemble()


# --- conditions ------------------------------------------------------------------------------

BIG = 0x1_0000_0005
OPS = {
    "EQ": lambda a, v: a == v, "NE": lambda a, v: a != v, "LT": lambda a, v: a < v,
    "LE": lambda a, v: a <= v, "GT": lambda a, v: a > v, "GE": lambda a, v: a >= v,
}  # fmt: skip


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("value", [0, 5, 0xFFFFFFFF, BIG, 2**64 - 1])
def test_comparisons_are_of_all_64_bits_without_sign(op: str, value: int) -> None:
    rule = {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 9,
            "args": [{"index": 2, "op": f"SCMP_CMP_{op}", "value": value}]}  # fmt: skip
    code = compiled({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]})
    for argument in {0, 1, 4, 5, 6, 0xFFFFFFFF, 2**32, BIG - 1, BIG, BIG + 1, 2**63, 2**64 - 1}:
        wanted = 0x50009 if OPS[op](argument, value) else ALLOW
        assert run(code, calls.ARCHITECTURES["x86_64"], 0, (1, 2, argument)) == wanted


def test_conditions_of_one_rule_must_all_hold_and_two_on_one_argument_are_alternatives() -> None:
    def condition(index: int, value: int) -> dict:
        return {"index": index, "op": "SCMP_CMP_EQ", "value": value}

    rules = [
        {"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [condition(0, 1), condition(1, 2)]},
        {
            "names": ["write"],
            "action": "SCMP_ACT_ERRNO",
            "args": [condition(0, 1), condition(0, 2)],
        },
    ]
    code = compiled({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules})
    arch = calls.ARCHITECTURES["x86_64"]
    assert [run(code, arch, 0, args) for args in ((1, 2), (1, 3), (2, 2))] == [EPERM, ALLOW, ALLOW]
    assert [run(code, arch, 1, args) for args in ((1,), (2,), (3,))] == [EPERM, EPERM, ALLOW]


# --- architectures ---------------------------------------------------------------------------


def test_the_same_number_is_another_call_in_another_abi(default: dict) -> None:
    code = compiled(default)
    x86_64, i386 = calls.ARCHITECTURES["x86_64"], calls.ARCHITECTURES["i386"]
    assert run(code, x86_64, 165) == EPERM  # mount
    assert run(code, i386, 165) == ALLOW  # getresuid
    assert run(code, i386, 21) == EPERM  # mount, by int 0x80
    assert run(code, x86_64, 21) == ALLOW  # access
    assert run(code, x86_64, calls.X32 | 165) == EPERM  # mount, by x32
    assert run(code, x86_64, calls.X32 | 39) == ALLOW  # getpid, by x32


@pytest.mark.parametrize(("machine", "foreign"), [("x86_64", "aarch64"), ("aarch64", "x86_64")])
def test_another_architecture_is_killed(default: dict, machine: str, foreign: str) -> None:
    assert run(compiled(default, machine), calls.ARCHITECTURES[foreign], 0) == 0x80000000


def test_abis_that_the_profile_does_not_name_are_killed() -> None:
    code = compiled({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []})
    assert run(code, calls.ARCHITECTURES["x86_64"], 1) == ALLOW
    assert run(code, calls.ARCHITECTURES["i386"], 1) == 0x80000000
    assert run(code, calls.ARCHITECTURES["x86_64"], calls.X32 | 1) == 0x80000000


# --- the default profile ---------------------------------------------------------------------


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_default_profile_in_words(default: dict, machine: str) -> None:
    code, table = compiled(default, machine), calls.numbers()[machine]
    arch = calls.ARCHITECTURES[machine]

    def verdict(name: str, *args: int) -> int:
        return run(code, arch, table[name], args)

    for name in ("read", "execve", "mkdirat", "ptrace", "chroot", "setresuid", "capset", "seccomp"):
        assert verdict(name) == ALLOW, name
    for name in ("mount", "unshare", "setns", "bpf", "keyctl", "add_key", "kexec_load", "reboot",
                 "init_module", "open_by_handle_at", "userfaultfd", "perf_event_open", "pivot_root",
                 "io_uring_setup", "settimeofday", "swapon", "syslog", "move_mount"):  # fmt: skip
        assert verdict(name) == EPERM, name
    assert verdict("clone3") == ENOSYS
    assert verdict("clone", 17) == ALLOW
    assert verdict("clone", 17 | CLONE_NEWUSER) == verdict("clone", CLONE_NEWNS) == EPERM
    assert verdict("socket", 2) == ALLOW and verdict("socket", 40) == EPERM
    assert verdict("personality", 8) == ALLOW and verdict("personality", 0x0040000) == EPERM
    assert run(code, arch, 999) == ENOSYS  # newer than the profile


# What was decided, call by call, where runtimes differ or a kernel brought something new.
DECIDED = {
    "vmsplice": EPERM,  # pins pages past the limits, and shares them over a fork; Podman, too
    "statmount": ALLOW, "listmount": ALLOW,  # tell of the caller's own mount namespace
    "setxattrat": ALLOW, "getxattrat": ALLOW, "file_getattr": EPERM, "file_setattr": EPERM,
    "futex_waitv": ALLOW, "rseq_slice_yield": ALLOW, "mseal": ALLOW,
    "lsm_get_self_attr": EPERM, "lsm_set_self_attr": EPERM, "lsm_list_modules": EPERM,
    "listns": EPERM, "open_tree_attr": EPERM,
}  # fmt: skip


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("name", DECIDED)
def test_each_new_call_is_decided(default: dict, machine: str, name: str) -> None:
    arch, number = calls.ARCHITECTURES[machine], calls.numbers()[machine][name]
    assert run(compiled(default, machine), arch, number) == DECIDED[name]
    if DECIDED[name] == EPERM and name.startswith(("lsm", "listns", "open_tree")):
        admin = compiled(default, machine, DOCKERS_CAPS | {"CAP_SYS_ADMIN"})
        assert run(admin, arch, number) == ALLOW


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_call_up_to_the_newest_has_a_verdict_and_none_after_it(
    default: dict, machine: str
) -> None:
    """A call that nobody has heard of yet must look as if the kernel had none."""
    code = compiled(default, machine)
    for abi in ("x86_64", "i386", "x32") if machine == "x86_64" else ("aarch64", "arm"):
        arch, bit = calls.ARCHITECTURES[abi], calls.X32 if abi == "x32" else 0
        table = {number & ~calls.X32 for number in calls.numbers()[abi].values()}
        newest = max(number for number in table if number < 0x0F0000)
        assert newest in (471, 547)
        for number in range(newest + 1, newest + 200):
            assert run(code, arch, number | bit) == ENOSYS, (abi, number)


@pytest.mark.parametrize("abi", ["x86_64", "i386", "x32", "aarch64", "arm"])
def test_families_that_nobody_needs_and_the_way_round_them(default: dict, abi: str) -> None:
    """CVE-2026-31431: AF_ALG; socketcall(2) would hide the family in memory."""
    code = compiled(default, "x86_64" if abi in ("x86_64", "i386", "x32") else "aarch64")
    table, arch = calls.numbers()[abi], calls.ARCHITECTURES[abi]
    allowed = {f for f in range(64) if run(code, arch, table["socket"], (f, 1, 0)) == ALLOW}
    assert allowed == set(range(46)) - {12, 19, 20, 23, 25, 34, 37, 38, 40}
    for family in (2**32 - 1, 38 + 2**32, 2 + 2**32):
        if abi in ("x86_64", "aarch64"):
            assert run(code, arch, table["socket"], (family, 1, 0)) == EPERM
    if "socketcall" in table:
        assert run(code, arch, table["socketcall"], (1, 0)) == ENOSYS


def test_a_capability_opens_its_calls(default: dict) -> None:
    arch, table = calls.ARCHITECTURES["x86_64"], calls.numbers()["x86_64"]
    for cap, names in {
        "CAP_SYS_ADMIN": ["mount", "unshare", "clone3", "setns"], "CAP_SYS_PTRACE": ["kcmp"],
        "CAP_SYS_MODULE": ["finit_module"], "CAP_SYSLOG": ["syslog"], "CAP_BPF": ["bpf"],
        "CAP_SYS_TIME": ["settimeofday"],
    }.items():  # fmt: skip
        code = compiled(default, caps=DOCKERS_CAPS | {cap})
        for name in names:
            assert run(code, arch, table[name], (CLONE_NEWUSER,)) == ALLOW, (cap, name)
    without = compiled(default, caps=DOCKERS_CAPS - {"CAP_SYS_CHROOT"})
    assert run(without, arch, table["chroot"]) == EPERM


LIBSECCOMP = """
import json, sys, seccomp as s
what, machine, caps = json.load(sys.stdin)
go = {"x86_64": "amd64", "aarch64": "arm64"}[machine]
act = lambda e, a, n: s.ERRNO(e.get(n, 1)) if e[a] == "SCMP_ACT_ERRNO" else s.ALLOW
f = s.SyscallFilter(act(what, "defaultAction", "defaultErrnoRet"))
if machine == "aarch64":
    f.add_arch(s.Arch.AARCH64); f.add_arch(s.Arch.ARM); f.remove_arch(s.Arch.NATIVE)
else:
    f.add_arch(s.Arch.X86); f.add_arch(s.Arch.X32)
skipped = set()
for e in what["syscalls"]:
    i, x = e.get("includes", {}), e.get("excludes", {})
    if "arches" in i and go not in i["arches"]: continue
    if not set(i.get("caps", [])) <= set(caps) or set(x.get("caps", [])) & set(caps): continue
    args = []
    for a in e.get("args", []):
        op = getattr(s, a["op"].removeprefix("SCMP_CMP_"))
        args.append(s.Arg(a["index"], op, a["value"], a["valueTwo"]) if op == s.MASKED_EQ
                    else s.Arg(a["index"], op, a["value"]))
    for name in e["names"]:
        try:
            f.add_rule(act(e, "action", "errnoRet"), name, *args)
        except (ValueError, RuntimeError):
            skipped.add(name)
with open(sys.argv[1], "wb") as out:
    f.export_bpf(out)
print(json.dumps(sorted(skipped)))
"""
SYSTEM_PYTHON = "/usr/bin/python3"
# Argument 0 that matters to some rule: families, personalities, clone's flags.
SAMPLES = [0, 1, 8, 17, 40, 0x20000, 0x20008, 0xFFFFFFFF, 0x1_0000_0000, 0x02000000 | 17, CLONE_NEWUSER,
           CLONE_NEWNS | 17, 0x80, 2**64 - 1]  # fmt: skip


def by_libseccomp(what: dict, machine: str, caps: set[str], tmp_path: Path) -> tuple[bytes, list]:
    """Compile the profile with libseccomp: the program, and the names that it does not know."""
    if (
        not shutil.which(SYSTEM_PYTHON)
        or subprocess.run([SYSTEM_PYTHON, "-c", "import seccomp"], capture_output=True).returncode
    ):
        pytest.skip("blocked: needs libseccomp's Python binding (apt install python3-seccomp)")
    file = tmp_path / "filter"
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", LIBSECCOMP, str(file)], input=json.dumps([what, machine, sorted(caps)]),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return file.read_bytes(), json.loads(done.stdout)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("more", [set(), {"CAP_SYS_ADMIN"}, {"CAP_SYS_PTRACE", "CAP_SYSLOG"}])
def test_every_number_gets_the_verdict_that_libseccomp_gives(
    default: dict, machine: str, more: set[str], tmp_path: Path
) -> None:
    caps = DOCKERS_CAPS | more
    ours = compiled(default, machine, caps)
    theirs, unknown = by_libseccomp(default, machine, caps, tmp_path)
    abis = ("x86_64", "i386", "x32") if machine == "x86_64" else ("aarch64", "arm")
    compared = 0
    for abi in abis:
        table, arch = calls.numbers()[abi], calls.ARCHITECTURES[abi]
        # calls that are younger than the libseccomp of this machine
        skip = {table[name] for name in unknown if name in table}
        last = 450  # Linux 5.17: the younger ones are in our table, and not in each libseccomp's
        extra = [n for n in table.values() if n & ~calls.X32 > 500]
        first = calls.X32 if abi == "x32" else 0
        rules = profile.rules(default, "", machine, caps, (6, 1))
        newest = rules.known[abi]
        conditional = {n for n, pairs in rules.calls[abi].items() if any(c for c, _ in pairs)}
        for number in [*range(first, first + last + 1), *extra]:
            if number in skip or number > newest:
                continue
            for sample in SAMPLES if number in conditional else SAMPLES[:1]:
                # libseccomp looks at one half of x32's arguments, too, and we look at both
                argument = sample & 0xFFFFFFFF if abi in ("i386", "arm", "x32") else sample
                mine = run(ours, arch, number, (argument, 1, 2))
                other = run(theirs, arch, number, (argument, 1, 2))
                assert mine == other, f"{abi} {number} ({argument:#x}): {mine:#x}, {other:#x}"
                compared += 1
    assert compared > 800


# --- words of a profile ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"defaultAction": "SCMP_ACT_DANCE"}',
     '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "no"}]}',
     '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": '
     '"SCMP_ACT_ERRNO", "args": [{"index": 7, "op": "SCMP_CMP_EQ", "value": 1}]}]}'],
)  # fmt: skip
def test_what_is_no_profile_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match=r"profile\.json"):
        compiled(profile.read(text, "profile.json"))


@pytest.mark.parametrize(
    "text",
    ['{"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/run/agent"}',
     '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}'],
)  # fmt: skip
def test_a_run_has_nobody_whom_a_filter_could_ask(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.json"
    file.write_text(text)
    with pytest.raises(UsageError, match="SCMP_ACT_NOTIFY asks a program that listens"):
        cache.filter_file(str(tmp_path), [], 0, str(file))
    assert cache.filter_of(str(tmp_path), text, "config.json", [], 0)


def test_min_kernel(default: dict) -> None:
    arch, number = calls.ARCHITECTURES["x86_64"], calls.numbers()["x86_64"]["ptrace"]
    assert run(compiled(default, kernel=(4, 7)), arch, number) == EPERM
    assert run(compiled(default, kernel=profile.version("4.8.0-rc1")), arch, number) == ALLOW


def test_the_table_has_no_number_twice() -> None:
    for abi, table in calls.numbers().items():
        assert len(set(table.values())) == len(table), abi
        assert len(table) > 300


# --- the cache -------------------------------------------------------------------------------


def test_the_compiled_default_is_kept_and_made_again_when_the_capabilities_differ(
    tmp_path: Path,
) -> None:
    first = cache.filter_file(str(tmp_path), sorted(DOCKERS_CAPS), 0xFF)
    inode = os.stat(first).st_ino
    assert cache.filter_file(str(tmp_path), sorted(DOCKERS_CAPS), 0xFF) == first
    assert os.stat(first).st_ino == inode
    other = cache.filter_file(str(tmp_path), ["CAP_SYS_ADMIN"], 0x1)
    assert other != first and Path(other).read_bytes() != Path(first).read_bytes()


def test_a_profile_of_the_users_is_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"defaultAction": "SCMP_ACT_ALLOW"}')
    first = cache.filter_file(str(tmp_path), [], 0, str(file))
    file.write_text('{"defaultAction": "SCMP_ACT_LOG"}')
    assert cache.filter_file(str(tmp_path), [], 0, str(file)) != first
