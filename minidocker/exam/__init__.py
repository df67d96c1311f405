"""The exam: real Podman on the learner's functions, judged from outside."""
