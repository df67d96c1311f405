"""The lab machine: a Linux of the learner's own, where root may break anything.

build makes its disk (from guest/), qemu runs it, machine brings it up and down, ssh talks to it,
sync keeps the learner's files the same on both sides, vagrant prepares a host for `vagrant up`.

Everything here needs the standard library alone.
"""
