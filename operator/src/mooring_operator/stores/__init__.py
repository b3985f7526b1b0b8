"""The outside: object stores and database servers, the only effects beyond the cluster.

Synchronous: a reconcile runs in a worker thread. Start at `protocol`; `names` has the names that
outside things get, `errors` the one exception that everything here raises.
"""
