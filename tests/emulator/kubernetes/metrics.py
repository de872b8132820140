"""What kube-proxy itself answers on port 10249, through the API server's pod proxy: its mode, its metrics.

Names, help and labels are upstream's (pkg/proxy/metrics of Kubernetes; the reference of metrics on kubernetes.io).
Since 1.33 most have the label `ip_family` (pull request 129173), and kube-proxy works for both families even where a
cluster has one. A labelled counter that never counted has no line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .pods import Pod
from .rollout import minor_of, version_of

if TYPE_CHECKING:
    from ..world import Cluster

PORT = 10249
BOTH: list[dict[str, str]] = [{"ip_family": "IPv4"}, {"ip_family": "IPv6"}]
SYNC_EVERY = 30.0  # emulated seconds from one synchronisation of the rules to the next
IPTABLES, IPVS, NFTABLES = "iptables", "ipvs", "nftables"
SYNC_BUCKETS = [0.001 * 2**i for i in range(15)]
NETWORK_BUCKETS = [0.25, 0.5, *range(1, 60), *range(60, 120, 5), *range(120, 301, 30)]
REQUEST_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
SIZE_BUCKETS = [64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216]
GATES = (
    "AllAlpha", "AllBeta", "ComponentFlagz", "ComponentStatusz", "ContextualLogging", "InformerResourceVersion",
    "KubeProxyDrainingTerminatingNodes", "LoadBalancerIPMode", "LoggingAlphaOptions", "LoggingBetaOptions",
    "NFTablesProxyMode", "ServiceTrafficDistribution", "TopologyAwareHints", "WatchListClient",
)  # fmt: skip

RULES, LAST = "kubeproxy_sync_proxy_rules", "kubeproxy_sync_proxy_rules_iptables_last"
CT_INVALID = "kubeproxy_iptables_ct_state_invalid_dropped_packets_total"
LOCALHOST = "kubeproxy_iptables_localhost_nodeports_accepted_packets_total"
NETWORK = "kubeproxy_network_programming_duration_seconds"
REQUESTS = "rest_client_request_duration_seconds"
SIZES = ("rest_client_request_size_bytes", "rest_client_response_size_bytes")
# Family -> type and help.
FAMILIES: dict[str, tuple[str, str]] = {
    f"{RULES}_endpoint_changes_pending": ("gauge", "[ALPHA] Pending proxy rules Endpoint changes"),
    f"{RULES}_endpoint_changes_total": ("counter", "[ALPHA] Cumulative proxy rules Endpoint changes"),
    f"{RULES}_service_changes_pending": ("gauge", "[ALPHA] Pending proxy rules Service changes"),
    f"{RULES}_service_changes_total": ("counter", "[ALPHA] Cumulative proxy rules Service changes"),
    f"{RULES}_last_queued_timestamp_seconds": ("gauge", "[ALPHA] The last time a sync of proxy rules was queued"),
    f"{RULES}_last_timestamp_seconds": ("gauge", "[ALPHA] The last time proxy rules were successfully synced"),
    f"{RULES}_duration_seconds": ("histogram", "[ALPHA] SyncProxyRules latency in seconds"),
    f"{RULES}_iptables_total": ("gauge", "[ALPHA] Total number of iptables rules owned by kube-proxy"),
    LAST: ("gauge", "[ALPHA] Number of iptables rules written by kube-proxy in last sync"),
    f"{RULES}_iptables_restore_failures_total": ("counter", "[ALPHA] Cumulative proxy iptables restore failures"),
    f"{RULES}_nftables_sync_failures_total": ("counter", "[ALPHA] Cumulative proxy nftables sync failures"),
    CT_INVALID: ("counter", "[ALPHA] packets dropped by iptables to work around conntrack problems"),
    LOCALHOST: ("counter", "[ALPHA] Number of packets accepted on nodeports of loopback interface"),
    NETWORK: ("histogram", "[ALPHA] In Cluster Network Programming Latency in seconds"),
    "kubeproxy_proxy_healthz_total": ("counter", "[ALPHA] Cumulative proxy healthz HTTP status"),
    "kubernetes_build_info": ("gauge", "[ALPHA] A metric with a constant '1' value labeled by major, minor"),
    "kubernetes_feature_enabled": ("gauge", "[BETA] This metric records the stage and enablement of a feature"),
    REQUESTS: ("histogram", "[ALPHA] Request latency in seconds. Broken down by verb, and host."),
    SIZES[0]: ("histogram", "[ALPHA] Request size in bytes. Broken down by verb and host."),
    SIZES[1]: ("histogram", "[ALPHA] Response size in bytes. Broken down by verb and host."),
    "go_goroutines": ("gauge", "Number of goroutines that currently exist."),
    "go_memstats_alloc_bytes": ("gauge", "Number of bytes allocated in heap and currently in use."),
    "go_threads": ("gauge", "Number of OS threads created."),
    "process_cpu_seconds_total": ("counter", "Total user and system CPU time spent in seconds."),
    "process_open_fds": ("gauge", "Number of open file descriptors."),
    "process_resident_memory_bytes": ("gauge", "Resident memory size in bytes."),
    "process_start_time_seconds": ("gauge", "Start time of the process since unix epoch in seconds."),
}


@dataclass
class Page:
    """A page of metrics in Prometheus' text form (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

    lines: list[str] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)

    def add(self, family: str, value: float, *, suffix: str = "", **labels: str) -> None:
        """Add one line; the family's first one brings its help and type."""
        if family not in self.begun:
            kind, text = FAMILIES[family]
            self.lines += [f"# HELP {family} {text}", f"# TYPE {family} {kind}"]
            self.begun.add(family)
        inner = ",".join(f'{name}="{text}"' for name, text in labels.items())
        number = f"{value:g}" if value < 1e6 else f"{value:.9e}"
        self.lines.append(f"{family}{suffix}{'{' + inner + '}' if inner else ''} {number}")

    def histogram(self, family: str, buckets: Iterable[float], count: int, **labels: str) -> None:
        """Add a histogram of `count` short durations."""
        for i, edge in enumerate(buckets):
            self.add(family, min(count, i), suffix="_bucket", **labels, le=f"{edge:g}")
        self.add(family, count, suffix="_bucket", **labels, le="+Inf")
        self.add(family, count * 0.021, suffix="_sum", **labels)
        self.add(family, count, suffix="_count", **labels)


def mode(cluster: Cluster, pod: Pod) -> str:
    """The mode that runs, whatever the command asks for."""
    return IPTABLES if pod.place.rank < cluster.kubernetes.settings.lying_nodes else pod.template.mode


def page(cluster: Cluster, pod: Pod, now: float) -> str:
    """The whole page of metrics."""
    version = minor_of(version_of(cluster.body))
    families = BOTH if version >= (1, 33) else [{}]
    started = now if pod.started is None else pod.started
    running, up = mode(cluster, pod), max(0.0, now - started)
    failing = _failing_since(cluster, pod, started) if running == NFTABLES else None
    last = now - now % SYNC_EVERY
    made = Page()
    if failing is None:
        synced: float | None = last
    else:
        synced = min(last, failing) if failing > started else None
    _rules(made, families, last, up, synced)
    if running == IPTABLES:
        _iptables(made, cluster, pod, families)
    elif running == IPVS and families is not BOTH:
        made.add(f"{RULES}_iptables_restore_failures_total", 0)
    elif failing is not None:
        count = 1 + int(max(0.0, now - failing) / SYNC_EVERY)
        made.add(f"{RULES}_nftables_sync_failures_total", count, **families[0])
    _runtime(made, cluster, now, up)
    return "\n".join(made.lines) + "\n"


def _failing_since(cluster: Cluster, pod: Pod, started: float) -> float | None:
    """Since when no synchronisation with nftables succeeds, from the first on at `started`; None where all do."""
    if pod.place.rank >= cluster.kubernetes.settings.sync_failing_nodes:
        return None
    return max(started, cluster.kubernetes.since["sync_failing_nodes"])


def _rules(made: Page, families: list[dict[str, str]], last: float, up: float, synced: float | None) -> None:
    """`synced`: when the rules were last written; None when they never were. Upstream sets the time after a success."""
    syncs = 12 + int(up / SYNC_EVERY)
    never = [] if families is BOTH else [(f"{RULES}_last_timestamp_seconds", 0.0)]
    made.add(f"{RULES}_service_changes_pending", 0)
    made.add(f"{RULES}_service_changes_total", syncs)
    for name, value in (
        (f"{RULES}_endpoint_changes_pending", 0.0),
        (f"{RULES}_endpoint_changes_total", syncs * 2.0),
        (f"{RULES}_last_queued_timestamp_seconds", last),
        *(never if synced is None else [(f"{RULES}_last_timestamp_seconds", synced)]),
    ):
        for family in families:
            made.add(name, value, **family)
    for name, buckets in ((f"{RULES}_duration_seconds", SYNC_BUCKETS), (NETWORK, NETWORK_BUCKETS)):
        for family in families:
            made.histogram(name, buckets, syncs, **family)


def _iptables(made: Page, cluster: Cluster, pod: Pod, families: list[dict[str, str]]) -> None:
    settings = cluster.kubernetes.settings
    services = settings.services + len(settings.node_ports)
    for name, filters, nats in ((f"{RULES}_iptables_total", 14, 12 + 9 * services), (LAST, 4, 21)):
        for family in families:
            made.add(name, filters, **family, table="filter")
            made.add(name, nats, **family, table="nat")
    if families is not BOTH:
        made.add(f"{RULES}_iptables_restore_failures_total", 0)
    if minor_of(version_of(cluster.body)) >= (1, 31):
        here = pod.place.rank == 0
        made.add(CT_INVALID, settings.ct_invalid if here else 0)
        made.add(LOCALHOST, settings.localhost_nodeports if here else 0)


def _runtime(made: Page, cluster: Cluster, now: float, up: float) -> None:
    """What every Go program and every client of the API server tells of itself."""
    version = version_of(cluster.body)
    major, minor = map(str, minor_of(version))
    made.add("kubeproxy_proxy_healthz_total", 10 + int(up / 10), code="200")
    made.add("kubernetes_build_info", 1, compiler="gc", git_version=f"v{version}", major=major, minor=minor,
             go_version="go1.24.4", platform="linux/amd64")  # fmt: skip
    for i, gate in enumerate(GATES):
        made.add("kubernetes_feature_enabled", i % 2, name=gate, stage="BETA")
    sizes: list[tuple[str, Sequence[float]]] = [(name, SIZE_BUCKETS) for name in SIZES]
    for name, buckets in [(REQUESTS, REQUEST_BUCKETS), *sizes]:
        for verb in ("GET", "POST", "PATCH"):
            made.histogram(name, buckets, 21, host=str(cluster.properties.get("fqdn")), verb=verb)
    for name, value in (
        ("go_goroutines", 68.0),
        ("go_memstats_alloc_bytes", 9.6e6),
        ("go_threads", 9.0),
        ("process_cpu_seconds_total", round(up / 400, 2)),
        ("process_open_fds", 15.0),
        ("process_resident_memory_bytes", 6.1e7),
        ("process_start_time_seconds", now - up),
    ):
        made.add(name, value)
