"""The plan: from words on a command line to a Spec and its stages."""
