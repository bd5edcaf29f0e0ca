"""Order: which difficulty comes when. One sign everywhere: higher score = harder."""
