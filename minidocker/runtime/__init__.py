"""The two stories of one run: the host's and the child's."""
