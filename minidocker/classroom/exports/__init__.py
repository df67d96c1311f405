"""From records to what platforms read: one module a format, each text made of marks alone."""
