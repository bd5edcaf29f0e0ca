"""One file per task; the file names are the menu."""
