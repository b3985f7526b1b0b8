"""End to end: real pods, started by a real Airflow, on a real node."""
