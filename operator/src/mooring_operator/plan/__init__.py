"""Pure: from workspace, class and facts to the manifests that should exist.

One file per concern. Nothing here does I/O, so every rule can be tested with plain values.
"""
