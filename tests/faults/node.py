"""What is done on the node itself, as a privileged process of it: kill, stop, cut, fill."""

from typing import Final

from tests.cluster import cluster, kind
from tests.cluster.process import ClusterError, wait_until

API_SERVER: Final = "kube-apiserver"
STORE: Final = "versitygw"
GATEWAY: Final = "--iam-standalone-endpoint"
"""What the command line of the S3 server has and that of the IAM server beside it has not."""
OBJECTS: Final = "/data/objects"
UPLOADS: Final = ".sgwtmp"
"""Of each bucket: where versitygw keeps an upload until all of it is there."""
FILLED: Final = "full"
"""File by which the file system for uploads has no byte left."""


def api_server() -> str:
    """Process id of the API server; empty while there is none."""
    return _said("pgrep", "-x", API_SERVER)


def kill_api_server() -> str:
    """Kill the API server, which the kubelet starts again; its process id."""
    process = api_server()
    _run("kill", "-KILL", process)
    return process


def service_account_key() -> str:
    """The private key, as PEM, that the cluster signs tokens of service accounts with."""
    return _run("cat", "/etc/kubernetes/pki/sa.key")


def pause_store() -> None:
    """Have the store answer nothing any more."""
    _said("pkill", "-STOP", "-x", STORE)


def resume_store() -> None:
    """Have it go on."""
    _said("pkill", "-CONT", "-x", STORE)


def cut(address: str, seconds: int) -> None:
    """Drop every packet to a pod for so long, by the iptables of the node's own namespace.

    The node ends it by itself, so nothing is left where the caller is killed.
    """
    rule = " ".join(_rule(address))
    script = f"iptables -I {rule} && sleep {seconds}; iptables -D {rule}"
    _run("systemd-run", "--quiet", "sh", "-c", script)
    wait_until(lambda: is_cut(address), "the network to be cut")


def is_cut(address: str) -> bool:
    """Whether packets to a pod are dropped."""
    try:
        _run("iptables", "-C", *_rule(address))
    except ClusterError:
        return False
    return True


def fill_store(bucket: str) -> None:
    """Have the disk of the store full for uploads to a bucket: "No space left on device".

    The folder of its uploads becomes a file system of one page, with a file that takes the page.
    It is the store's own mount and ends with it.
    """
    folder = _uploads(bucket)
    _in_store(
        f"mkdir -p {folder} && mount -n -t tmpfs -o size=4k,mode=1777 full {folder}"
        f" && head -c 4096 /dev/zero > {folder}/{FILLED}"
    )


def empty_store(bucket: str) -> None:
    """Have the store take uploads again."""
    folder = _uploads(bucket)
    _in_store(f"while test -e {folder}/{FILLED}; do umount -n {folder}; done")


def _uploads(bucket: str) -> str:
    return f"{OBJECTS}/{bucket}/{UPLOADS}"


def _in_store(script: str) -> None:
    """Run a script as root with the file system and the processes that the store sees."""
    process = _run("pgrep", "-f", "--", f"^{STORE} .*{GATEWAY}").strip()
    _run("nsenter", "--mount", "--pid", "--target", process, "sh", "-ec", script)


def _rule(address: str) -> tuple[str, ...]:
    return ("FORWARD", "-d", f"{address}/32", "-j", "DROP")


def _said(*command: str) -> str:
    """What a command says that finds something or does not."""
    return _run("sh", "-c", '"$@" || test $? = 1', "sh", *command).strip()


def _run(*command: str) -> str:
    place = cluster.current()
    return place.engine.docker("exec", kind.node_name(place.paths), *command)
