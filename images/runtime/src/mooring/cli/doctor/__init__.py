"""Which of the three failures a pod has: its tracking URI, its credentials, or its identity.

`examine` asks the API server for facts; all else is pure: facts in, findings out.
"""
