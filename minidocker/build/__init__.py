"""Build: a Dockerfile's story, told by runs. It stands above the plan, since a RUN is a run."""
