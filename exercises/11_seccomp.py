"""Lesson 11: seccomp.

What you build here: a filter in front of every system call, instruction by instruction. The kernel
takes it from you as it is, and runs it at each call of a process.

Write the subgoals first, as comments with the words of lessons 01 to 05 (look, build, ask, check,
let go, tell), then the lines under them.

Judge your work with:  minidocker grade 11
"""

from __future__ import annotations

import os
import struct

# Given: one instruction of a filter has 8 bytes. See seccomp(2) and <linux/filter.h>.
LOAD = 0x20  # load the word at offset k of struct seccomp_data
EQUAL = 0x15  # go on jt instructions further if the word equals k, else jf instructions further
AT_LEAST = 0x35  # the same with >=
RETURN = 0x06  # end: k is the verdict
NUMBER, ARCH = 0, 4  # offsets in struct seccomp_data
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000  # verdicts; ERRNO | 1 is EPERM
NATIVE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[os.uname().machine]
X32 = 0x40000000  # numbers from here on are the ABI x32: the same calls by another door


def instruction(code, k, jt=0, jf=0):
    """Encode one instruction: u16 code, u8 jt, u8 jf, u32 k."""
    return struct.pack("=HBBI", code, jt, jf, k)


# 1. CONTRACT (rung R5). About 8 instructions for two rules; the first two are given. (5 lines)
def compile_filter(rules):
    """Write a seccomp filter that refuses some system calls, and return its bytes.

    rules: {number of a call: errno}, such as {83: 1}. There are 1 to 100 of them.
    A call by another architecture than NATIVE is killed. So is a number from X32 on.
    A call in rules gets ERRNO | errno. Every other call is allowed.
    Jumps go forward only, and jt = 0 is the next instruction.
    """
    program = instruction(LOAD, ARCH) + instruction(EQUAL, NATIVE, 1, 0)
    program += instruction(RETURN, KILL)
    raise NotImplementedError("compile_filter is yours to finish")
