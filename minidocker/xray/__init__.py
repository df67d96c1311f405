"""The x-ray: one process seen through, its walls and the holes in them."""
