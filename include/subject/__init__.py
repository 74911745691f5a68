"""One person: to look at for a stated purpose, and what the person may ask of us."""
