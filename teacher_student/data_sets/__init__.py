"""Published image sets, read and checked from their files."""
