"""Pictures of the kernel's live state, as SVG and as text tables."""
