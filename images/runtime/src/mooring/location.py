"""Where artifacts lie and servers are, as URIs say it."""

from urllib.parse import SplitResult, urlsplit, urlunsplit


def lies_under(location: str, root: str) -> bool:
    """Whether the URI `location` is `root` or below it; no `..` may lead out again."""
    steps = location.split("/")
    return ".." not in steps and (location + "/").startswith(root.rstrip("/") + "/")


def split(uri: str) -> SplitResult | None:
    """The parts of `uri`; None when it is no URL, as with a port that is no number."""
    try:
        parts = urlsplit(uri)
        _ = parts.port, parts.hostname
    except ValueError:
        return None
    return parts


def shown(uri: str) -> str:
    """`uri` without the login that it may carry."""
    if "@" not in uri:
        return uri
    parts = split(uri)
    if parts is None:
        return "***@" + uri.rpartition("@")[2]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
