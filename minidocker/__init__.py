"""minidocker: a container runtime to learn from, one wall at a time."""

__version__ = "0.1.0"
