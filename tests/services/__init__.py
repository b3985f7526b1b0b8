"""Real services as processes, for integration tests: PostgreSQL, and an S3 server with IAM.

Each is a context manager that binds free ports of the loopback address, dies with the process
that started it, and leaves nothing behind. `fixtures` has one pytest fixture of each.
"""
