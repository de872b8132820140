"""Benchmarks: what tasks, audits and rollouts cost, side by side in one run."""
