"""The Kubernetes API of the emulated clusters: as much of it as those need who look after kube-proxy.

Nodes, pods and DaemonSets are worked out when they are asked for, from the cluster's body, its settings and the time:
nothing is kept for clusters that nobody looks into.
"""
