"""Where scores come from: the task itself (known), training (trained, heldout), or a file (stored)."""
