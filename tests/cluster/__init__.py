"""How a Kubernetes cluster for trying and testing Mooring is made, and how it is taken away.

`python -m tests.cluster --help` lists the commands; docs of the ways are in each module.
"""
