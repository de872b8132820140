"""The main job on real output: preview, switch, and again, against the emulator. `make demo` runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.emulator import Emulator

HERE = Path(__file__).resolve().parent
SPEED = 60
WRITES = ("PUT", "POST", "PATCH", "DELETE")


def say(text: str) -> None:
    """Print a heading between the outputs of Ansible."""
    print(f"\n\033[1m### {text}\033[0m" if sys.stdout.isatty() else f"\n### {text}", flush=True)


def play(emulator: Emulator, *options: str) -> str:
    """Run the playbook, show what it prints, and return that."""
    command = ["ansible-playbook", "-i", "tests/demo/inventory.yml", "tests/demo/nftables.yml", *options]
    say(f"$ {' '.join(command)}")
    colours = {"ANSIBLE_FORCE_COLOR": "true"} if sys.stdout.isatty() else {"ANSIBLE_NOCOLOR": "true"}
    environment = {**os.environ, **emulator.environment(), **colours, "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
    environment.pop("SSL_CERT_FILE", None)
    process = subprocess.Popen(
        command, cwd=HERE.parents[1], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = []
    for line in process.stdout or ():
        print(line, end="", flush=True)
        lines.append(re.sub(r"\x1b\[[0-9;]*m", "", line))
    process.wait()
    return "".join(lines)


def writes(emulator: Emulator) -> int:
    """How many requests could have changed something since the log was cleared."""
    return sum(
        entry["method"] in WRITES and entry["path"].startswith("/subscriptions/") for entry in emulator.requests()
    )


def changed(output: str) -> dict[str, int]:
    """The recap's number of changes by host."""
    return {
        host: int(number) for host, number in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", output, re.MULTILINE)
    }


def modes(emulator: Emulator) -> dict[str, str]:
    """What Azure has recorded for each cluster."""
    found = {}
    for name in ("aks-dev-1", "aks-dev-2", "aks-test", "aks-old"):
        network = emulator.cluster(name)["properties"]["networkProfile"]
        found[name] = network.get("kubeProxyConfig", {}).get("mode", "never configured (iptables)")
    return found


def main() -> int:
    """Run the demonstration; 1 when something did not come out as it should."""
    with Emulator(HERE / "fleet.yml", speed=SPEED) as emulator:
        say(f"Four clusters in an emulated Azure, time runs {SPEED} times as fast. First a preview, without a write.")
        preview = play(emulator, "--check", "--diff")
        preview_writes = writes(emulator)
        say(f"Azure's request log: {len(emulator.requests())} requests, {preview_writes} of them writes.")

        say("Now for real. aks-old runs Kubernetes 1.32: it is refused before any write.")
        emulator.clear_requests()
        first = play(emulator)
        refused = sum(entry["status"] == 400 for entry in emulator.requests())
        say(f"Azure's request log: {writes(emulator)} writes, {refused} refused while the flag was still spreading.")

        say("The same once more: nothing changes, nothing is written.")
        emulator.clear_requests()
        second = play(emulator)
        second_writes = writes(emulator)
        say(f"Azure's request log: {second_writes} writes. What Azure has recorded:")
        for name, mode in modes(emulator).items():
            print(f"    {name:<12}{mode}")
        switched = {"localhost": 1, "aks-dev-1": 1, "aks-dev-2": 1, "aks-test": 1, "aks-old": 0}
        expected = {
            "the preview predicts the changes": changed(preview) == switched,
            "the preview writes nothing": preview_writes == 0,
            "the run makes the predicted changes": changed(first) == switched,
            "the refusal names the rule": "nftables-kubernetes-version" in first,
            "the second run changes nothing": set(changed(second).values()) == {0} and second_writes == 0,
            "three clusters run nftables": list(modes(emulator).values()).count("NFTABLES") == 3,
        }
    say("What was shown")
    for what, holds in expected.items():
        print(f"    {'yes' if holds else 'NO '}  {what}")
    return 0 if all(expected.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
