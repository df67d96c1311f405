"""Images: archives become layers, layers become images, and the store keeps each once.

    a tar file ─ source ─► stream ─► tar ─► unpack ─► layers/sha256/…/fs
                   ├─ sha256 of every plain byte = the layer's name
                   └─ the bytes as they came ─► blobs/sha256/…, beside manifest and configuration

    an upper directory ─ upper ─► pack ─► tar_headers ─► layer tar ─► apply: lower, or merged

The hot path, from a name to directories, is store/store.py; everything else may take its time.
"""
