"""A fleet rolled to nftables on real output, against the emulator. `make demo` runs it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.emulator import Emulator

HERE = Path(__file__).resolve().parent
ESTATE = ("ansible.cfg", "demo.aks_clusters.yml", "nftables.yml")
SPEED = 120
WRITES = ("PUT", "POST", "PATCH", "DELETE")
UNSUITABLE = {"dev-lab", "dev-legacy", "staging-idle"}
FAILING = "staging-shop"
SILENT = "staging-web"

ROLLOUT = "ansible-playbook aks.kube_proxy.rollout -i demo.aks_clusters.yml -e @nftables.yml"
WITH_PRODUCTION = f"{ROLLOUT} -e rolling_update_allow_production=true -e rolling_update_confirmed=production"

Bodies = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Shown:
    """A command whose output was shown.

    Attributes:
        status: its exit status.
        output: what it printed, without colours and line breaks.
        predicted: the clusters whose change C(--diff) showed.
        changed: the hosts for which the recap counts changes.
        writes: the requests that could have changed something.
        put: the clusters that were sent to Azure, in order.
    """

    status: int
    output: str
    predicted: set[str]
    changed: set[str]
    writes: int
    put: list[str]


def is_write(entry: dict[str, Any]) -> bool:
    """Whether a request could have changed something; handing out a cluster's credentials is a POST that cannot."""
    path = entry["path"]
    return (
        entry["method"] in WRITES
        and path.startswith("/subscriptions/")
        and not path.endswith("/listClusterUserCredential")
    )


def say(text: str) -> None:
    """Print a heading between the outputs of Ansible."""
    print(f"\n\033[1m### {text}\033[0m" if sys.stdout.isatty() else f"\n### {text}", flush=True)


def show(emulator: Emulator, folder: Path, command: str) -> Shown:
    """Run a command in the folder, show what it prints, and tell what came of it."""
    print(f"\n$ {command}", flush=True)
    colours = {"ANSIBLE_FORCE_COLOR": "true"} if sys.stdout.isatty() else {"ANSIBLE_NOCOLOR": "true"}
    environment = {**os.environ, **emulator.environment(), **colours, "PWD": str(folder)}
    environment.pop("SSL_CERT_FILE", None)
    emulator.clear_requests()
    lines = []
    with subprocess.Popen(
        shlex.split(command),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(re.sub(r"\x1b\[[0-9;]*m", "", line))
    text = "".join(lines)
    writes = [entry for entry in emulator.requests() if is_write(entry)]
    shown = Shown(
        status=process.returncode,
        output=" ".join(text.split()),
        predicted=set(re.findall(r"^\+\+\+ after: \S+/managedClusters/(\S+)$", text, re.MULTILINE)),
        changed=set(re.findall(r"^(\S+)\s+: ok=\d+\s+changed=[1-9]", text, re.MULTILINE)),
        writes=len(writes),
        put=[entry["path"].rsplit("/", 1)[1] for entry in writes if entry["method"] == "PUT"],
    )
    say(
        f"Exit status {shown.status}. Azure's log: {len(emulator.requests())} requests, {shown.writes} of them writes"
        f"{': ' + ', '.join(shown.put) if shown.put else ''}."
    )
    return shown


def stored(emulator: Emulator) -> Bodies:
    """Every cluster's body as Azure keeps it, by name."""
    fleet = yaml.safe_load((HERE / "fleet.yml").read_text(encoding="utf-8"))
    return {entry["name"]: emulator.cluster(entry["name"]) for entry in fleet["clusters"]}


def kube_proxy(body: dict[str, Any]) -> dict[str, Any]:
    """A cluster's C(kubeProxyConfig), empty where it was never configured."""
    return dict(body["properties"]["networkProfile"].get("kubeProxyConfig", {}))


def everything_else(value: Any) -> Any:
    """Bodies without C(kubeProxyConfig), and without eTags, which every write changes."""
    if isinstance(value, dict):
        return {key: everything_else(one) for key, one in value.items() if key not in ("kubeProxyConfig", "eTag")}
    return [everything_else(one) for one in value] if isinstance(value, list) else value


def print_modes(bodies: Bodies) -> None:
    """List what Azure has recorded, in columns."""
    names = [f"{name:<16}{kube_proxy(body).get('mode', 'never configured'):<18}" for name, body in bodies.items()]
    for start in range(0, len(names), 3):
        print(f"    {''.join(names[start : start + 3])}".rstrip())


def run(emulator: Emulator, folder: Path) -> dict[str, bool]:
    """Show everything; what was to be shown, and whether it was."""
    before = stored(emulator)
    say("1. Who runs what, who can go where, and who has to leave IPVS")
    audit = show(emulator, folder, "ansible-playbook aks.kube_proxy.audit -i demo.aks_clusters.yml")

    say(
        "2. A preview of the whole rollout: every stage and wave, every change, every refusal, no write.\n"
        "    The clusters themselves are asked, too, whether it is safe."
    )
    preview = show(emulator, folder, f"{ROLLOUT} --check --diff")

    say(
        f"3. The rollout. Azure is going to fail one operation, that of {FAILING}. And it is going to report\n"
        f"    success for {SILENT}, although its nodes go on with iptables: the record says NFTABLES, the nodes say\n"
        "    otherwise. Both get back what they had, and production is not begun."
    )
    emulator.fault("operation_failed", match={"method": "PUT", "cluster": FAILING}, code="DemoFailure")
    emulator.change_kubernetes(SILENT, {"silent": True})
    first = show(emulator, folder, ROLLOUT)
    stopped = stored(emulator)
    emulator.change_kubernetes(SILENT, {"silent": False})

    say(
        "4. The causes are gone. The rerun picks up where the first run stopped, and production is allowed now,\n"
        "    with its gate confirmed on the command line, since there is no terminal to ask on."
    )
    second = show(emulator, folder, WITH_PRODUCTION)

    say("5. The same once more: nothing is left to do, nothing is written.")
    last = show(emulator, folder, WITH_PRODUCTION)

    say("What Azure has recorded")
    after = stored(emulator)
    print_modes(after)
    production = {name for name in before if name.startswith("prod-")}
    suitable = set(before) - UNSUITABLE - {"sandbox"}
    return {
        "the audit names those who have to leave IPVS, and writes nothing": (
            "Have to leave IPVS: dev-shop, staging-shop, prod-shop-1, prod-shop-2." in audit.output and not audit.writes
        ),
        "the preview predicts what is written, refuses production, and writes nothing": (
            preview.predicted == set(first.put) and "production-guard" in preview.output and not preview.writes
        ),
        "the failure shows in the exit status, and stops the rollout before production": (
            first.status == 2 and not production & set(first.put)
        ),
        "the failed cluster got back what it had": kube_proxy(stopped[FAILING]) == kube_proxy(before[FAILING]),
        "the cluster whose nodes never got it is found out, and put back": (
            "kube-proxy's DaemonSet has no --proxy-mode" in first.output
            and kube_proxy(stopped[SILENT]) == {"enabled": True, "mode": "IPTABLES"}
        ),
        "the rerun writes only what was left": (
            second.status == 0
            and sorted(second.put) == sorted({FAILING, SILENT, *(production & suitable)} - {"prod-search"})
        ),
        "every node of every switched cluster proves it": all(
            f"{name} " in last.output and re.search(rf"{name} \S+ \S+ NFTABLES NFTABLES nodes", last.output)
            for name in suitable
        ),
        "every suitable cluster asks for nftables, no other one was touched": all(
            kube_proxy(after[name]) == ({"enabled": True, "mode": "NFTABLES"} if name in suitable else kube_proxy(body))
            for name, body in before.items()
        ),
        "nothing but the kube-proxy configuration has changed": everything_else(after) == everything_else(before),
        "the second run changes nothing": last.status == 0 and not last.changed and not last.writes,
    }


def main() -> int:
    """Run the demonstration; 1 when something did not come out as it should."""
    with Emulator(HERE / "fleet.yml", speed=SPEED) as emulator, tempfile.TemporaryDirectory() as folder:
        for name in ESTATE:
            shutil.copy(HERE / name, folder)
        say(f"21 clusters in three subscriptions of an emulated Azure, time runs {SPEED} times as fast.")
        print(f"The inventory, the variables and the settings: {', '.join(f'tests/demo/{name}' for name in ESTATE)}")
        shown = run(emulator, Path(folder))
    say("What was shown")
    for what, holds in shown.items():
        print(f"    {'yes' if holds else 'NO '}  {what}")
    return 0 if all(shown.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
