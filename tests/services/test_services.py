"""The services answer, end with their block, and die with whoever started them."""

import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cluster.process import alive, wait_until
from tests.services.azurite import azurite
from tests.services.fakegcs import fakegcs
from tests.services.postgresql import postgresql
from tests.services.process import answers, folder, service
from tests.services.versitygw import versitygw


def test_postgresql_leaves_nothing() -> None:
    with postgresql() as running:
        assert answers(running.port)
        root = running.log.parent
    assert not answers(running.port)
    assert not root.exists()


def test_versitygw_leaves_nothing() -> None:
    with versitygw() as running:
        ports = [int(url.rpartition(":")[2]) for url in (running.s3, running.iam)]
        assert all(map(answers, ports))
        root = running.iam_file.parent.parent
    assert not any(map(answers, ports))
    assert not root.exists()


def test_azurite_leaves_nothing() -> None:
    with azurite() as running:
        port = urlsplit(running.url).port or 0
        assert answers(port)
        root = running.root
    assert not answers(port)
    assert not root.exists()


def test_fakegcs_leaves_nothing() -> None:
    with fakegcs() as running:
        ports = [urlsplit(url).port or 0 for url in (running.url, running.open_url)]
        assert all(map(answers, ports))
    assert not any(map(answers, ports))


def test_a_service_dies_with_a_killed_parent() -> None:
    program = (
        "import signal, sys\n"
        "from tests.services.process import folder, service\n"
        "with folder() as root, service(['sleep', '600'], log=root / 'log', ready=lambda: True)"
        " as running:\n"
        "    print(running.pid, root, flush=True)\n"
        "    signal.pause()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent:
        pid, root = parent.stdout.readline().split()
        assert alive(int(pid))
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not alive(int(pid)), "the service to die")
    (Path(root) / "log").unlink()
    Path(root).rmdir()


def test_a_service_that_ends_at_once_is_told() -> None:
    with (
        folder() as root,
        pytest.raises(RuntimeError, match="ended with 3"),
        service(["sh", "-c", "exit 3"], log=root / "log", ready=lambda: False),
    ):
        pass
