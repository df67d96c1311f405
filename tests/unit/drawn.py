"""What every picture must have."""

from __future__ import annotations

from xml.etree import ElementTree

from minidocker.pictures.picture import Picture


def drawn(picture: Picture) -> str:
    """Check what every picture must have; return the words that are drawn."""
    root = ElementTree.fromstring(picture.svg())
    assert root.get("role") == "img" and picture.desc
    height = float(root.get("height", "0"))
    texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert all(0 < float(item.get("y", "0")) <= height for item in texts)
    assert set(picture._repr_mimebundle_()) == {"text/html", "image/svg+xml", "text/plain"}
    return "\n".join(item.text or "" for item in texts)
