"""Seccomp: from a profile in Docker's format to a program that the kernel runs at each call.

cache.py     which file holds the compiled filter; all that a plain run loads
profile.py   JSON → which rules hold on this machine, with these capabilities
compiler.py  rules → instructions: a search tree of numbers for each ABI
bpf.py       the assembler: labels, jumps, bytes
calls.py     the numbers of the calls, from calls.txt
"""
