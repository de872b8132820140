"""What tests share: ways to run operations and playbooks against the emulator."""
