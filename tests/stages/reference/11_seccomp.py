"""The runtime's part under the name of the exercise."""

from minidocker.stages.seccomp import Seccomp

compile_filter = Seccomp.compile_filter
