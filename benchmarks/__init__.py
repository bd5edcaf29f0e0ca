"""Speed, each row against a named baseline."""
