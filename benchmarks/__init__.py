"""Speed and memory, each row against a named baseline."""
