"""Archives: tar streams read and written, layers unpacked, packed and applied."""
