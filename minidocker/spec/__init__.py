"""The specification: what the user asked for, as plain records."""
