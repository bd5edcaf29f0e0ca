"""Readers of published score files. Nothing in a file is ever executed, and torch is not needed."""
