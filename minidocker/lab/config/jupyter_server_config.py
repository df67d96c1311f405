"""Read by Jupyter Server, which gives `c`. A function cannot be named on its command line."""

from minidocker.lab.saving import drop_outputs

c.ContentsManager.pre_save_hook = drop_outputs  # type: ignore[name-defined]  # noqa: F821
