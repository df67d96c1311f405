"""In the foreground: `run`, which makes a container, lets it go, and waits for its end."""

from __future__ import annotations

from minidocker.oci import lifetime, making
from minidocker.runtime.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.oci.container import Container
    from minidocker.oci.creation import Creation
    from minidocker.oci.making import Wish


def run(
    kernel: Kernel, container: Container, directory: str, wish: Wish, detach: bool, keep: bool
) -> int:
    """Do all of a container's life; return its exit status, or 0 at once with `detach`."""
    wish.starts = True
    wish.waits_here = not detach and not wish.console
    birth = making.create(kernel, container, directory, wish)
    try:
        lifetime.start(container)
    except BaseException:
        container.release()
        lifetime.delete(kernel, container, force=True)
        raise
    container.release()
    if detach:
        return 0
    try:
        return stay(birth)
    finally:
        if not keep:
            lifetime.delete(kernel, container, force=True)


def stay(birth: Creation) -> int:
    """Pass signals and the terminal on, until the process ends; its status as a shell says it."""
    watch = Watch(birth)
    if birth.terminal >= 0:
        from minidocker.oci.lines import Lines

        watch.terminal = Lines(birth.terminal, True)
    try:
        return watch.wait()
    finally:
        watch.stop()
        birth.signals.restore()
