"""One readable pipeline per kind: load, guard, plan, apply, prune, observe, report."""
