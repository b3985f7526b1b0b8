"""Whether the artifacts of a run landed: every file is read back, and told with its digest.

The tracking server is asked as a pod would ask it, by the same environment variables.
"""
