"""What MLflow loads by itself inside a training process that has a binding (docs/training.md)."""
