"""The operator with many workspaces, each figure beside its floor: `make bench-operator`."""
