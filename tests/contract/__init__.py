"""Contract tests of the emulator: raw requests for every shape, and the newest official clients."""
