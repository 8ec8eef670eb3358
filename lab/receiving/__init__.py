"""The receiver's side of a session: what a persona must decide and answer. Pure."""
