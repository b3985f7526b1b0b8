"""What status.findings takes of an audit."""

from mooring_operator.api.findings import FindingsStatus
from mooring_operator.reconcile.findings import counts, findings
from mooring_operator.stores.protocol import Audit, Losses, Lost


def test_names_of_any_length_fit_the_schema_and_no_login_is_shown() -> None:
    lost = Lost("e" * 500, "r" * 500, "s3://key:secret@" + "p" * 1000)
    told = findings(Audit(losses=(Losses("ArtifactsElsewhere", 70, (lost,) * 10),)))
    assert FindingsStatus.model_validate(told).total == 70
    assert "secret" not in str(told)
    newest = told["types"][0]["newest"][0]
    assert (len(newest["experiment"]), len(newest["run"]), len(newest["detail"])) == (60, 64, 256)
    assert counts(told) == {"ArtifactsElsewhere": 70}


def test_nothing_found_is_told_as_nothing() -> None:
    assert findings(Audit()) == {"total": 0}
    assert counts({"total": 0}) == {}
