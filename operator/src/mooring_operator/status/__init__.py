"""Pure: from live objects to findings, and from findings to conditions."""
