"""What a manifest's pods would be given: asked of the API server, which alone knows.

The same pod is submitted twice as a dry run, once as it is and once with the label that keeps
bindings away: what differs is what Mooring does, so the merge is nowhere written a second time.
"""
