"""What the schema can know is refused at apply, in a sentence that says what to do."""

import copy
from typing import Any

import pytest

from tests.integration.bad_input.corpus import BINDING, CLASS, REFUSED, WORKSPACE, Wrong, changed
from tests.integration.operator.api import Api, Refused


@pytest.mark.parametrize("base", [CLASS, WORKSPACE, BINDING], ids=lambda base: base["kind"])
def test_nothing_is_wrong_with_what_the_corpus_changes(api: Api, base: dict[str, Any]) -> None:
    api.create(copy.deepcopy(base), dry_run=True)


@pytest.mark.parametrize("wrong", REFUSED, ids=str)
def test_refused_at_apply(api: Api, wrong: Wrong) -> None:
    with pytest.raises(Refused) as refusal:
        api.create(wrong.manifest, dry_run=True)
    said = str(refusal.value)
    assert wrong.told in said
    field = wrong.path.replace(".*", "[0]")
    # a rule about a map is told of the map, one about a name in metadata of the whole object
    parent = field.rpartition(".")[0]
    assert field in said or parent in said or field == "metadata.name", "the field is named"


@pytest.mark.parametrize(
    ("base", "path", "value"),
    [
        (CLASS, "spec.artifactStore.s3.bucket", "My_Bucket"),
        (WORKSPACE, "spec.className", "Standard"),
        (BINDING, "spec.workspaceRef.name", "team/models"),
    ],
    ids=["bucket", "class", "workspace"],
)
def test_the_sentence_says_what_was_found(
    api: Api, base: dict[str, Any], path: str, value: str
) -> None:
    with pytest.raises(Refused, match=f"{path}: Invalid value: .*, not {value}$"):
        api.create(changed(base, path, value), dry_run=True)


def test_the_corpus_is_large() -> None:
    assert len(REFUSED) >= 80
    assert len({str(wrong) for wrong in REFUSED}) == len(REFUSED)
