"""Where artifacts lie."""


def lies_under(location: str, root: str) -> bool:
    """Whether the URI `location` is `root` or below it; no `..` may lead out again."""
    steps = location.split("/")
    return ".." not in steps and (location + "/").startswith(root.rstrip("/") + "/")
