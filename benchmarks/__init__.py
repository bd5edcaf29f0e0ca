"""Speed and memory, each against a named baseline measured in the same run: `python -m benchmarks`."""
