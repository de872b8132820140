"""The fault campaign: rollouts under faults, held to what must hold. docs/reliability.md tells its results."""
