"""What goes into pods: the contract, the guard and the canary."""
