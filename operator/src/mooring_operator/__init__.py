"""The Mooring operator: from three kinds of objects to MLflow that pods can rely on."""
