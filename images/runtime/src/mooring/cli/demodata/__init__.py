"""`mooring demo-data`: a few real runs in a workspace that nobody has trained in yet."""
