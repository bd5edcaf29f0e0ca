"""One file per family of students."""
