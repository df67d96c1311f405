"""Registries: the one that we serve ourselves, and what is asked of any other."""
