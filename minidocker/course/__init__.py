"""The course as data: its manifest, messages, outcomes, a learner's journal and file."""
