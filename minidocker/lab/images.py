"""The store for notebooks: what the images of this machine are made of, drawn."""

from __future__ import annotations

from minidocker.images.store import catalogue
from minidocker.images.store.store import Store
from minidocker.pictures.picture import Picture
from minidocker.pictures.shared_layers import Layer, shared_layers


def image_layers(*names: str) -> Picture:
    """Draw the layers of images of the store, side by side: what several have lies there once.

    NotFound: there is no such image.
    """
    store, found = Store(), {}
    for name in names:
        steps = [step for step in reversed(catalogue.history(store, name)) if step["layer"]]
        found[name] = [Layer(step["layer"], step["created_by"], step["size"]) for step in steps]
    return shared_layers(found)
