"""The demo: a working system on a real cluster, and the main job on it. e2e tests use it too."""
