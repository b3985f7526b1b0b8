"""Log a metric and upload an artifact again and again; the first error ends it."""

import argparse
import os
import time

import mlflow

PATIENCE_S = 600


def main(until: str) -> None:
    """Go on until the run has the tag `until`; print how many there were."""
    # what is lost shows only where nothing is tried again
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    deadline = time.monotonic() + PATIENCE_S
    count = 0
    with mlflow.start_run() as run:
        while until not in mlflow.get_run(run.info.run_id).data.tags:
            mlflow.log_metric("count", count, step=count)
            mlflow.log_text(str(count), f"{count}.txt")
            count += 1
            if time.monotonic() > deadline:
                raise TimeoutError(f"run {run.info.run_id} has no tag {until}")
    print(f"uploaded: {count}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("until")
    main(**vars(parser.parse_args()))
