"""`python -m tests.emulator`: the emulator as a program."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import signal
import sys
from pathlib import Path

from . import server
from .checks import FleetError
from .fleet import load


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Exit status 2: a mistake in the fleet file, or the port is taken."""
    options = _options(arguments)
    try:
        fleet = load(options.fleet)
    except FleetError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 2
    emulator = server.make(fleet, port=options.port, speed=options.speed, seed=options.seed, specs=options.specs)
    return asyncio.run(_run(emulator, options))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.emulator", description="An Azure that is not there: AKS over ARM, on loopback."
    )
    parser.add_argument("--fleet", type=Path, metavar="FILE", help="fleet file, YAML or JSON (docs/emulator.md)")
    parser.add_argument("--port", type=int, default=0, help="port on loopback; 0, the default, takes a free one")
    parser.add_argument("--speed", type=float, default=1.0, help="how fast time runs; 0 stands still (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="seed of ids and random faults (default 0)")
    parser.add_argument("--specs", type=Path, metavar="DIR", help="Microsoft's JSON schemas, to check PUT bodies with")
    parser.add_argument("--write-env", type=Path, metavar="FILE", help="write shell exports for clients, once it runs")
    options = parser.parse_args(arguments)
    if options.speed < 0:
        parser.error("--speed must not be negative")
    return options


async def _run(emulator: server.Server, options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await emulator.start()
        if options.write_env:
            write_environment(options.write_env, server.environment(emulator))
        print(f"emulator: {emulator.url}, {len(emulator.desk.world.clusters)} clusters", flush=True)
        await stop.wait()
    except OSError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 2
    finally:
        await emulator.stop()
    return 0


def write_environment(path: Path, variables: dict[str, str]) -> None:
    """Write shell exports in one step, readable by the owner alone."""
    text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
