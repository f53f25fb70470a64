#!/usr/bin/env python3
"""Writes Sources/KubeTypes/Views/*.swift: typed views of the kinds below, from the table of types.

Run it after adding a kind to KINDS or a field to the table. The result is committed, so that a build needs no Python.
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "Sources/CAPITable/types.table"
OUT = ROOT / "Sources/KubeTypes/Views"

# The kinds that components read and write, and the plural and scope of those that are resources.
KINDS = {
    "core/v1": "Pod Node Service Endpoints Namespace ServiceAccount ConfigMap Secret Event Binding "
    "ReplicationController PersistentVolumeClaim PersistentVolume PodTemplateSpec LimitRange ResourceQuota",
    "apps/v1": "Deployment ReplicaSet ControllerRevision StatefulSet DaemonSet",
    "batch/v1": "Job CronJob",
    "autoscaling/v1": "Scale",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "policy/v1": "PodDisruptionBudget Eviction",
    "discovery/v1": "EndpointSlice",
    "coordination/v1": "Lease",
    "scheduling/v1": "PriorityClass",
    "networking/v1": "NetworkPolicy Ingress IngressClass",
    "storage/v1": "StorageClass",
    "rbac/v1": "Role ClusterRole RoleBinding ClusterRoleBinding",
    "certificates/v1": "CertificateSigningRequest",
    "authentication/v1": "TokenRequest TokenReview SelfSubjectReview",
    "authorization/v1": "SubjectAccessReview SelfSubjectAccessReview LocalSubjectAccessReview SelfSubjectRulesReview",
    "meta/v1": "ObjectMeta ListMeta LabelSelector Status Condition DeleteOptions OwnerReference",
}
CLUSTER_SCOPED = set(
    "IngressClass Node Namespace PersistentVolume PriorityClass StorageClass ClusterRole ClusterRoleBinding TokenReview "
    "SelfSubjectReview SubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview "
    "CertificateSigningRequest".split()
)
PLURALS = {
    "NetworkPolicy": "networkpolicies", "Ingress": "ingresses", "IngressClass": "ingressclasses",
    "Endpoints": "endpoints", "PriorityClass": "priorityclasses", "StorageClass": "storageclasses"}
NO_RESOURCE = {"PodTemplateSpec", "Scale", "Eviction", "Binding", "TokenRequest"}
SCALARS = {"string": "String", "int32": "Int", "int64": "Int", "bool": "Bool", "double": "Double", "bytes": "String"}
SCALAR_MESSAGES = {
    "quantity": "Quantity", "time": "Time", "microtime": "MicroTime", "intorstring": "IntOrString", "any": "JSONValue",
}
ZERO = {"String": '""', "Int": "0", "Bool": "false", "Double": "0"}
KEYWORDS = {"default", "operator", "protocol", "continue", "in", "is", "as", "for", "init", "static", "struct", "where"}
RENAMED = {"discovery/v1.EndpointPort": "EndpointSlicePort"}


def read_table():
    messages, scalars, package = {}, {}, None
    for line in TABLE.read_text().splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if line.startswith("package "):
            package = words[1]
        elif line.startswith("scalar "):
            scalars[f"{package}.{words[1]}"] = words[2]
        elif line.startswith("message "):
            current = f"{package}.{words[1]}"
            messages[current] = {"package": package, "name": words[1], "fields": [], "gvk": None}
        elif line.startswith(" :kind "):
            messages[current]["gvk"] = words[1]
        elif not line.startswith(" :union "):
            messages[current]["fields"].append((words[0].rstrip("!*+?~"), "!" in words[0], words[2]))
    return messages, scalars


def main():
    messages, scalars = read_table()

    def resolve(name, package):
        return name if "." in name else f"{package}.{name}"

    def base(t):
        return t.strip("[]{}")

    wanted, queue = [], [f"{p}.{k}" for p, ks in KINDS.items() for k in ks.split()]
    while queue:
        name = queue.pop(0)
        if name in wanted or name not in messages:
            continue
        wanted.append(name)
        for _, _, t in messages[name]["fields"]:
            if base(t) not in SCALARS:
                queue.append(resolve(base(t), messages[name]["package"]))

    def swift_name(full):
        return RENAMED.get(full, full.rpartition(".")[2])

    seen = {}
    for full in wanted:
        other = seen.setdefault(swift_name(full), full)
        assert other == full, f"{full} and {other} have one Swift name"

    def swift(t, package):
        if t.startswith("["):
            return f"[{swift(t[1:-1], package)}]"
        if t.startswith("{"):
            return f"[String: {swift(t[1:-1], package)}]"
        if t in SCALARS:
            return SCALARS[t]
        full = resolve(t, package)
        return SCALAR_MESSAGES[scalars[full]] if full in scalars else swift_name(full)

    by_file = {}
    for full in sorted(wanted):
        m = messages[full]
        name, package = swift_name(full), m["package"]
        is_object = m["gvk"] and any(f == "metadata" and t.endswith("ObjectMeta") for f, _, t in m["fields"])
        lines = [f"public struct {name}: {'KubeObject' if is_object else 'JSONView'} {{"]
        if is_object:
            gv, _, kind = m["gvk"].rpartition("/")
            plural = PLURALS.get(kind, kind.lower() + "s")
            if kind.endswith("y"):
                plural = kind.lower()[:-1] + "ies"
            lines.append(
                f'    public static let type = ObjectType(apiVersion: "{gv}", kind: "{kind}", '
                f'resource: "{"" if kind in NO_RESOURCE else plural}", namespaced: {"false" if kind in CLUSTER_SCOPED else "true"})'
            )
        lines += ["    public var json: JSONValue", "    public init(_ json: JSONValue = [:]) { self.json = json }"]
        for field, required, t in m["fields"]:
            if field in ("apiVersion", "kind") and is_object:
                continue
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", field):
                continue
            st = swift(t, package)
            ident = f"`{field}`" if field in KEYWORDS else field
            get, kind_ = f'self["{field}"]', st + "?"
            put = get + " = newValue"
            if st.startswith("["):
                kind_, get, put = st, f"{get} ?? []" if ":" not in st else f"{get} ?? [:]", f'self["{field}"] = newValue.isEmpty ? nil : newValue'
            elif field in ("metadata", "spec", "status", "template", "selector") and st not in SCALARS.values() and (
                field != "selector" and field != "template" or required):
                kind_, get = st, f"{get} ?? {st}()"
            elif required and st in ZERO:
                kind_, get = st, f"{get} ?? {ZERO[st]}"
            lines.append(f"    public var {ident}: {kind_} {{")
            lines.append(f"        get {{ {get} }}")
            lines.append(f"        set {{ {put} }}")
            lines.append("    }")
        lines.append("}")
        by_file.setdefault(package, []).append("\n".join(lines))
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.swift"):
        old.unlink()
    for package, structs in by_file.items():
        group, version = package.split("/")
        path = OUT / f"{group.capitalize()}{version.upper()}.swift"
        path.write_text(
            f"// Typed views of the kinds of {package}. Written by Scripts/generate-views.py from the table of types.\n\n"
            "import JSON\n\n" + "\n\n".join(structs) + "\n"
        )


main()
