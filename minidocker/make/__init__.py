"""What `make` does, on a machine that has only a bare Python. See bootstrap.py.

No syntax newer than 3.8 here: it also runs on a Python too old for minidocker, to say so.
"""
