"""What makes a task fail, told in words."""

from airflow.sdk.exceptions import AirflowException

from mooring.finding import Finding


class MooringError(AirflowException):
    """Fails the task, to be retried as configured; its text is the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding
