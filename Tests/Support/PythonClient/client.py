"""Drives a control plane through the Python client: typed APIs, the dynamic client, watches, patches and applies.

Takes the path of a kubeconfig. Ends with status 0 if everything was as it should be; else says what was not.
"""
import sys
import threading

from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import NotFoundError

NAMESPACE = "python"


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(call, status, text):
    """The call must fail with this status and say this."""
    try:
        call()
    except ApiException as error:
        expect(error.status == status, f"{error.status} instead of {status}: {error.body}")
        expect(text in error.body, f"{text!r} is not in {error.body}")
        return
    raise AssertionError(f"was not refused: {text}")


def deployment(name, replicas=2):
    labels = {"app": name}
    return client.V1Deployment(
        metadata=client.V1ObjectMeta(name=name, labels=labels),
        spec=client.V1DeploymentSpec(
            replicas=replicas,
            selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels),
                spec=client.V1PodSpec(containers=[client.V1Container(name="web", image="nginx:1.27")]),
            ),
        ),
    )


def typed(core, apps):
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    made = apps.create_namespaced_deployment(NAMESPACE, deployment("web"))
    expect(made.metadata.uid and made.spec.strategy.type == "RollingUpdate", "defaults are filled in")
    refused(lambda: apps.create_namespaced_deployment(NAMESPACE, deployment("web")), 409, "already exists")
    bad = deployment("bad")
    bad.spec.selector.match_labels = {"app": "other"}
    refused(lambda: apps.create_namespaced_deployment(NAMESPACE, bad), 422, "does not match template `labels`")
    apps.patch_namespaced_deployment("web", NAMESPACE, {"spec": {"replicas": 3}})
    scale = apps.read_namespaced_deployment_scale("web", NAMESPACE)
    expect(scale.spec.replicas == 3, "the patch counts")
    scale.spec.replicas = 1
    # The controller may have written its status meanwhile.
    scale.metadata.resource_version = None
    apps.replace_namespaced_deployment_scale("web", NAMESPACE, scale)
    expect(apps.read_namespaced_deployment("web", NAMESPACE).spec.replicas == 1, "the scale counts")
    stale = apps.read_namespaced_deployment("web", NAMESPACE)
    apps.patch_namespaced_deployment("web", NAMESPACE, [{"op": "add", "path": "/metadata/labels/tier", "value": "x"}])
    refused(lambda: apps.replace_namespaced_deployment("web", NAMESPACE, stale), 409, "the object has been modified")
    for index in range(7):
        core.create_namespaced_config_map(
            NAMESPACE,
            client.V1ConfigMap(
                metadata=client.V1ObjectMeta(name=f"map-{index}", labels={"even": str(index % 2 == 0).lower()}),
                data={"index": str(index)},
            ),
        )
    even = core.list_namespaced_config_map(NAMESPACE, label_selector="even=true")
    expect([item.metadata.name for item in even.items] == ["map-0", "map-2", "map-4", "map-6"], "labels select")
    one = core.list_namespaced_config_map(NAMESPACE, field_selector="metadata.name=map-3")
    expect(len(one.items) == 1, "fields select")
    page = core.list_namespaced_config_map(NAMESPACE, limit=3, label_selector="even")
    rest = core.list_namespaced_config_map(
        NAMESPACE, limit=100, label_selector="even", _continue=page.metadata._continue)
    expect(len(page.items) == 3 and len(rest.items) == 4, "lists come in pages")
    refused(lambda: core.read_namespaced_config_map("none", NAMESPACE), 404, "not found")
    refused(lambda: core.read_namespaced_pod_log("none", NAMESPACE), 404, 'pods \\"none\\" not found')
    core.create_namespaced_service_account(
        NAMESPACE, client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="robot")))
    core.create_namespaced_pod(
        NAMESPACE,
        client.V1Pod(
            metadata=client.V1ObjectMeta(name="waiting"),
            spec=client.V1PodSpec(
                service_account_name="robot", containers=[client.V1Container(name="c", image="nginx:1.27")])))
    refused(lambda: core.read_namespaced_pod_log("waiting", NAMESPACE), 400, "does not have a host assigned")


def reviews(api):
    """A service account has what it was given and nothing else."""
    core = client.CoreV1Api(api)
    token = core.create_namespaced_service_account_token(
        "robot", NAMESPACE, client.AuthenticationV1TokenRequest(
            spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=600))).status.token
    settings = client.Configuration()
    settings.host = api.configuration.host
    settings.ssl_ca_cert = api.configuration.ssl_ca_cert
    settings.api_key = {"authorization": f"Bearer {token}"}
    robot = client.ApiClient(settings)
    refused(lambda: client.CoreV1Api(robot).list_namespaced_config_map(NAMESPACE), 403,
            "system:serviceaccount:python:robot")
    rbac = client.RbacAuthorizationV1Api(api)
    rbac.create_namespaced_role_binding(NAMESPACE, client.V1RoleBinding(
        metadata=client.V1ObjectMeta(name="robot"),
        role_ref=client.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name="view"),
        subjects=[client.RbacV1Subject(kind="ServiceAccount", name="robot", namespace=NAMESPACE)]))
    expect(len(client.CoreV1Api(robot).list_namespaced_config_map(NAMESPACE).items) >= 7, "the binding counts at once")
    answer = client.AuthorizationV1Api(robot).create_self_subject_access_review(client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=client.V1ResourceAttributes(
            verb="delete", resource="configmaps", namespace=NAMESPACE))))
    expect(answer.status.allowed is False, "viewers delete nothing")


def watches(core):
    start = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    seen = []

    def change():
        core.create_namespaced_config_map(
            NAMESPACE, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="watched"), data={"a": "1"}))
        core.patch_namespaced_config_map("watched", NAMESPACE, {"data": {"a": "2"}})
        core.delete_namespaced_config_map("watched", NAMESPACE)

    thread = threading.Thread(target=change)
    thread.start()
    stream = watch.Watch()
    for event in stream.stream(
            core.list_namespaced_config_map, NAMESPACE, resource_version=start, timeout_seconds=60,
            field_selector="metadata.name=watched"):
        seen.append((event["type"], event["object"].data["a"]))
        if event["type"] == "DELETED":
            stream.stop()
    thread.join()
    expect(seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")], f"events: {seen}")


def dynamically(api):
    dynamics = dynamic.DynamicClient(api)
    maps = dynamics.resources.get(api_version="v1", kind="ConfigMap")
    deployments = dynamics.resources.get(api_version="apps/v1", kind="Deployment")
    expect(deployments.namespaced and "deploy" in deployments.short_names, "discovery says what a resource is")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"a": "1"}}
    applied = maps.server_side_apply(body=body, name="applied", namespace=NAMESPACE, field_manager="one")
    managers = {entry.manager: entry.operation for entry in applied.metadata.managedFields}
    expect(managers.get("one") == "Apply", f"managers: {managers}")
    body["data"]["a"] = "2"
    try:
        maps.server_side_apply(body=body, name="applied", namespace=NAMESPACE, field_manager="two")
        raise AssertionError("an apply over another's field was not refused")
    except ApiException as error:
        expect(error.status == 409 and "conflict with" in str(error.body), f"{error.body}")
    forced = maps.server_side_apply(
        body=body, name="applied", namespace=NAMESPACE, field_manager="two", force_conflicts=True)
    expect(forced.data.a == "2", "force takes the field over")
    maps.patch(body={"data": {"b": "3"}}, name="applied", namespace=NAMESPACE,
               content_type="application/merge-patch+json")
    expect(maps.get(name="applied", namespace=NAMESPACE).data.b == "3", "merge patches count")
    names = [item.metadata.name for item in maps.get(namespace=NAMESPACE, label_selector="even=false").items]
    expect(names == ["map-1", "map-3", "map-5"], f"selected: {names}")
    for event in maps.watch(namespace=NAMESPACE, timeout=30, name="applied"):
        expect(event["object"].metadata.name == "applied", "a watch begins with what there is")
        break
    maps.delete(name="applied", namespace=NAMESPACE)
    try:
        maps.get(name="applied", namespace=NAMESPACE)
        raise AssertionError("it is still there")
    except NotFoundError:
        pass
    maps.delete(namespace=NAMESPACE, label_selector="even")
    expect(not maps.get(namespace=NAMESPACE, label_selector="even").items, "collections are deleted by selector")


def main():
    config.load_kube_config(sys.argv[1])
    api = client.ApiClient()
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    version = client.VersionApi(api).get_code()
    expect(version.minor == "36", f"version {version.minor}")
    for step in (lambda: typed(core, apps), lambda: reviews(api), lambda: watches(core), lambda: dynamically(api)):
        step()
    core.delete_namespace(NAMESPACE)
    print("ok")


if __name__ == "__main__":
    main()
