"""Pages of a class: HTML in one file each, with no script and nothing from a network."""
