"""A chamber: a place where learner code may be root while the host is safe; for judging."""
