import JSON
import KubeTypes

@testable import APISchema

/// A right object of a kind, to which a merge patch does something wrong.
enum Base: String {
    case pod, service, deployment, statefulSet, daemonSet, replicationController, job, cronJob, configMap, secret
    case claim, volume, storageClass, csiDriver, csiNode, attachment, attributesClass, limitRange, quota, node,
        namespace
    case endpoints, slice, ingress, ingressClass, networkPolicy, serviceCIDR, ipAddress, autoscaler, budget
    case role, clusterRole, roleBinding, clusterRoleBinding, priorityClass, runtimeClass, lease, leaseCandidate
    case signingRequest, trustBundle, webhooks, policy, binding, mutatingPolicy, flowSchema, priorityLevel
    case resourceClaim, deviceClass, resourceSlice, event, revision

    private static let template =
        #"{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}"#
    private static let jobTemplate =
        #"{"metadata":{"labels":{"controller-uid":"u","job-name":"n","batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"n"}},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}"#
    private static let selector = #""selector":{"matchLabels":{"a":"b"}},"template":\#(template)"#
    private static let rule =
        #"{"apiGroups":["apps"],"apiVersions":["v1"],"resources":["deployments"],"operations":["CREATE"]}"#

    /// Version, plural, and the object without its metadata.
    private var parts: (String, String, String) {
        switch self {
        case .pod: ("v1", "pods", #"{"spec":{"containers":[{"name":"c","image":"i"}]}}"#)
        case .service: ("v1", "services", #"{"spec":{"ports":[{"port":80}]}}"#)
        case .deployment: ("apps/v1", "deployments", #"{"spec":{\#(Self.selector)}}"#)
        case .statefulSet: ("apps/v1", "statefulsets", #"{"spec":{"serviceName":"s",\#(Self.selector)}}"#)
        case .daemonSet: ("apps/v1", "daemonsets", #"{"spec":{\#(Self.selector)}}"#)
        case .replicationController:
            ("v1", "replicationcontrollers", #"{"spec":{"selector":{"a":"b"},"template":\#(Self.template)}}"#)
        case .job:
            (
                "batch/v1", "jobs",
                #"{"metadata":{"uid":"u"},"spec":{"selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"u"}},"template":\#(Self.jobTemplate)}}"#
            )
        case .cronJob:
            (
                "batch/v1", "cronjobs",
                #"{"spec":{"schedule":"*/5 * * * *","jobTemplate":{"spec":{"template":\#(Self.jobTemplate)}}}}"#
            )
        case .configMap: ("v1", "configmaps", #"{"data":{"a":"b"}}"#)
        case .secret: ("v1", "secrets", #"{"data":{"a":"Yg=="}}"#)
        case .claim:
            (
                "v1", "persistentvolumeclaims",
                #"{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}"#
            )
        case .volume:
            (
                "v1", "persistentvolumes",
                #"{"spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"},"hostPath":{"path":"/tmp"}}}"#
            )
        case .storageClass: ("storage.k8s.io/v1", "storageclasses", #"{"provisioner":"example.com/p"}"#)
        case .csiDriver: ("storage.k8s.io/v1", "csidrivers", #"{"spec":{}}"#)
        case .csiNode: ("storage.k8s.io/v1", "csinodes", #"{"spec":{"drivers":[{"name":"d.io","nodeID":"n"}]}}"#)
        case .attachment:
            (
                "storage.k8s.io/v1", "volumeattachments",
                #"{"spec":{"attacher":"d.io","nodeName":"n","source":{"persistentVolumeName":"p"}}}"#
            )
        case .attributesClass:
            ("storage.k8s.io/v1", "volumeattributesclasses", #"{"driverName":"d.io","parameters":{"a":"b"}}"#)
        case .limitRange: ("v1", "limitranges", #"{"spec":{"limits":[{"type":"Container","max":{"cpu":"1"}}]}}"#)
        case .quota: ("v1", "resourcequotas", #"{"spec":{"hard":{"pods":"4","requests.cpu":"1"}}}"#)
        case .node: ("v1", "nodes", #"{"spec":{"podCIDR":"10.0.0.0/24","podCIDRs":["10.0.0.0/24"]}}"#)
        case .namespace: ("v1", "namespaces", #"{"spec":{"finalizers":["kubernetes"]}}"#)
        case .endpoints: ("v1", "endpoints", #"{"subsets":[{"addresses":[{"ip":"10.0.0.1"}],"ports":[{"port":80}]}]}"#)
        case .slice:
            (
                "discovery.k8s.io/v1", "endpointslices",
                #"{"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"]}],"ports":[{"name":"a","port":80}]}"#
            )
        case .ingress:
            (
                "networking.k8s.io/v1", "ingresses",
                #"{"spec":{"rules":[{"host":"a.b","http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"s","port":{"number":80}}}}]}}]}}"#
            )
        case .ingressClass: ("networking.k8s.io/v1", "ingressclasses", #"{"spec":{"controller":"example.com/c"}}"#)
        case .networkPolicy: ("networking.k8s.io/v1", "networkpolicies", #"{"spec":{"podSelector":{}}}"#)
        case .serviceCIDR: ("networking.k8s.io/v1", "servicecidrs", #"{"spec":{"cidrs":["10.0.0.0/24"]}}"#)
        case .ipAddress:
            (
                "networking.k8s.io/v1", "ipaddresses",
                #"{"metadata":{"name":"10.0.0.1"},"spec":{"parentRef":{"resource":"services","name":"s","namespace":"d"}}}"#
            )
        case .autoscaler:
            (
                "autoscaling/v2", "horizontalpodautoscalers",
                #"{"spec":{"maxReplicas":3,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}}"#
            )
        case .budget: ("policy/v1", "poddisruptionbudgets", #"{"spec":{"minAvailable":1,"selector":{}}}"#)
        case .role:
            (
                "rbac.authorization.k8s.io/v1", "roles",
                #"{"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}"#
            )
        case .clusterRole:
            (
                "rbac.authorization.k8s.io/v1", "clusterroles",
                #"{"rules":[{"verbs":["get"],"nonResourceURLs":["/healthz"]}]}"#
            )
        case .roleBinding:
            (
                "rbac.authorization.k8s.io/v1", "rolebindings",
                #"{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"},"subjects":[{"kind":"User","name":"u"}]}"#
            )
        case .clusterRoleBinding:
            (
                "rbac.authorization.k8s.io/v1", "clusterrolebindings",
                #"{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},"subjects":[{"kind":"ServiceAccount","name":"u","namespace":"n"}]}"#
            )
        case .priorityClass: ("scheduling.k8s.io/v1", "priorityclasses", #"{"value":10}"#)
        case .runtimeClass: ("node.k8s.io/v1", "runtimeclasses", #"{"handler":"runc"}"#)
        case .lease: ("coordination.k8s.io/v1", "leases", #"{"spec":{"leaseDurationSeconds":15}}"#)
        case .leaseCandidate:
            (
                "coordination.k8s.io/v1beta1", "leasecandidates",
                #"{"spec":{"leaseName":"l","binaryVersion":"1.36.0","emulationVersion":"1.36.0","strategy":"OldestEmulationVersion"}}"#
            )
        case .signingRequest:
            (
                "certificates.k8s.io/v1", "certificatesigningrequests",
                #"{"spec":{"request":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K","signerName":"example.com/s","usages":["client auth"]}}"#
            )
        case .trustBundle:
            (
                "certificates.k8s.io/v1beta1", "clustertrustbundles",
                #"{"spec":{"trustBundle":"-----BEGIN CERTIFICATE-----\n"}}"#
            )
        case .webhooks:
            (
                "admissionregistration.k8s.io/v1", "validatingwebhookconfigurations",
                #"{"webhooks":[{"name":"a.b.c","sideEffects":"None","admissionReviewVersions":["v1"],"clientConfig":{"url":"https://h/p"},"rules":[\#(Self.rule)]}]}"#
            )
        case .policy:
            (
                "admissionregistration.k8s.io/v1", "validatingadmissionpolicies",
                #"{"spec":{"matchConstraints":{"resourceRules":[\#(Self.rule)]},"validations":[{"expression":"true"}]}}"#
            )
        case .binding:
            (
                "admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings",
                #"{"spec":{"policyName":"p","validationActions":["Deny"]}}"#
            )
        case .mutatingPolicy:
            (
                "admissionregistration.k8s.io/v1", "mutatingadmissionpolicies",
                #"{"spec":{"reinvocationPolicy":"Never","matchConstraints":{"resourceRules":[\#(Self.rule)]},"mutations":[{"patchType":"JSONPatch","jsonPatch":{"expression":"[]"}}]}}"#
            )
        case .flowSchema:
            (
                "flowcontrol.apiserver.k8s.io/v1", "flowschemas",
                #"{"spec":{"matchingPrecedence":50,"priorityLevelConfiguration":{"name":"p"},"rules":[{"subjects":[{"kind":"User","user":{"name":"u"}}],"nonResourceRules":[{"verbs":["get"],"nonResourceURLs":["/a/*"]}]}]}}"#
            )
        case .priorityLevel:
            (
                "flowcontrol.apiserver.k8s.io/v1", "prioritylevelconfigurations",
                #"{"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":1,"limitResponse":{"type":"Queue","queuing":{}}}}}"#
            )
        case .resourceClaim:
            (
                "resource.k8s.io/v1", "resourceclaims",
                #"{"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c"}}]}}}"#
            )
        case .deviceClass:
            ("resource.k8s.io/v1", "deviceclasses", #"{"spec":{"selectors":[{"cel":{"expression":"true"}}]}}"#)
        case .resourceSlice:
            (
                "resource.k8s.io/v1", "resourceslices",
                #"{"spec":{"driver":"d.io","nodeName":"n","pool":{"name":"p","resourceSliceCount":1},"devices":[{"name":"d"}]}}"#
            )
        case .event:
            (
                "v1", "events",
                #"{"metadata":{"namespace":"default"},"involvedObject":{"kind":"Pod","namespace":"default"},"reason":"r"}"#
            )
        case .revision: ("apps/v1", "controllerrevisions", #"{"revision":1,"data":{"a":1}}"#)
        }
    }

    var resource: ResourceType { Given.resource(parts.0, parts.1) }

    /// The object with a merge patch applied, decoded and defaulted.
    func object(_ patch: String = "{}") throws(APIError) -> JSONValue {
        var object: JSONValue = ["metadata": ["name": "n"]]
        object = JSONMergePatch.apply(Given.json(parts.2), to: object)
        object = JSONMergePatch.apply(Given.json(patch), to: object)
        return try Given.defaulted(JSONWriter.text(of: object), resource)
    }

    /// What is wrong with a new object: `spec.a required`, in alphabetical order.
    func problems(_ patch: String, writtenAs apiVersion: String = "") throws(APIError) -> [String] {
        Self.summary(Schema.builtin.validate(try object(patch), of: resource, writtenAs: apiVersion))
    }

    /// What is wrong with a change.
    func problems(
        from old: String, to new: String, subresource: String = "", writtenAs apiVersion: String = ""
    ) throws(APIError) -> [String] {
        Self.summary(
            Schema.builtin.validate(
                try object(new), old: try object(old), of: resource, subresource: subresource, writtenAs: apiVersion))
    }

    private static func summary(_ errors: [FieldError]) -> [String] { errors.map { "\($0.path) \($0.kind)" }.sorted() }
}

extension Base: CaseIterable {}
