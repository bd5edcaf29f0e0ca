"""What figures share: looks, panels, captions, summaries."""
