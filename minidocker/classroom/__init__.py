"""The classroom: many submissions judged in one go."""
