"""Runs rollouts through real ansible-playbook processes against the emulator."""
