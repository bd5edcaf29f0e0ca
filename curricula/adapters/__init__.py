"""The sampler in other people's loaders; importing this imports none of them, each file its own framework."""
