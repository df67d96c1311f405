"""The store: images and layers on disk, each once, by digest."""
