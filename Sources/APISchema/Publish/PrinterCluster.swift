import JSON
import KubeTypes

/// The rows of nodes, namespaces, configuration, events and access control.
enum ClusterPrinters {
    static let all: [Printing] = [
        Printing(
            ["/Node"],
            "Name@,Status,Roles,Age,Version,Internal-IP+,External-IP+,OS-Image+,Kernel-Version+,Container-Runtime+",
            node),
        Printing(["/Namespace"], "Name@,Status,Age") { [$0.name, .string($0["status", "phase"].text), $0.age] },
        Printing(["/ConfigMap"], "Name@,Data,Age") {
            let count = ($0["data"].objectValue?.count ?? 0) + ($0["binaryData"].objectValue?.count ?? 0)
            return [$0.name, .integer(Int64(count)), $0.age]
        },
        Printing(["/Secret"], "Name@,Type,Data,Age") {
            [$0.name, .string($0["type"].text), .integer(Int64($0["data"].objectValue?.count ?? 0)), $0.age]
        },
        Printing(["/ResourceQuota"], "Name@,Request,Limit,Age", quota),
        Printing(["/ComponentStatus"], "Name@,Status,Message,Error") { cells in
            let healthy = cells["conditions"].list.first { $0[or: "type"].text == "Healthy" }
            let status = healthy.map { $0[or: "status"].text == "True" ? "Healthy" : "Unhealthy" } ?? "Unknown"
            return [
                cells.name, .string(status), .string(healthy?[or: "message"].text ?? ""),
                .string(healthy?[or: "error"].text ?? ""),
            ]
        },
        Printing(
            ["/Event", "events.k8s.io/Event"],
            "Last Seen,Type,Reason,Object,Subobject+,Source+,Message,First Seen+,Count+,Name+", event),
        Printing(["/Status"], "Status,Reason,Message") {
            [.string($0["status"].text), .string($0["reason"].text), .string($0["message"].text)]
        },
        Printing(
            ["rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding"],
            "Name@,Role,Age,Users+,Groups+,ServiceAccounts+", binding),
        Printing(["coordination.k8s.io/Lease"], "Name@,Holder,Age") {
            [$0.name, .string($0["spec", "holderIdentity"].text), $0.age]
        },
        Printing(
            ["coordination.k8s.io/LeaseCandidate"], "Name@,LeaseName,BinaryVersion,EmulationVersion,Age"
        ) {
            [
                $0.name, .string($0["spec", "leaseName"].text), .string($0["spec", "binaryVersion"].text),
                .string($0["spec", "emulationVersion"].text), $0.age,
            ]
        },
        Printing(["node.k8s.io/RuntimeClass"], "Name@,Handler,Age") { [$0.name, .string($0["handler"].text), $0.age] },
        Printing(["apiregistration.k8s.io/APIService"], "Name@,Service,Available,Age", apiService),
        Printing(
            ["certificates.k8s.io/CertificateSigningRequest"],
            "Name@,Age,SignerName,Requestor,RequestedDuration,Condition", certificateRequest),
        Printing(["certificates.k8s.io/ClusterTrustBundle"], "Name@,SignerName") {
            [$0.name, .string($0["spec", "signerName"].text(or: "<none>"))]
        },
        Printing(
            ["certificates.k8s.io/PodCertificateRequest"],
            "Name@,PodName,ServiceAccountName,NodeName,SignerName,State,UnverifiedUserAnnotations"
        ) { cells in
            let states = cells["status", "conditions"].list.map { $0[or: "type"].text }
            let state = states.last { ["Issued", "Denied", "Failed"].contains($0) } ?? "Pending"
            return [
                cells.name, .string(cells["spec", "podName"].text), .string(cells["spec", "serviceAccountName"].text),
                .string(cells["spec", "nodeName"].text), .string(cells["spec", "signerName"].text), .string(state),
                .string(CellText.labels(cells["spec", "unverifiedUserAnnotations"])),
            ]
        },
        Printing(
            [
                "admissionregistration.k8s.io/MutatingWebhookConfiguration",
                "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
            ], "Name@,Webhooks#,Age"
        ) { [$0.name, .integer(Int64($0["webhooks"].list.count)), $0.age] },
        Printing(
            ["admissionregistration.k8s.io/ValidatingAdmissionPolicy"], "Name@,Validations#,ParamKind,Age"
        ) { [$0.name, .integer(Int64($0["spec", "validations"].list.count)), .string(parameterKind($0)), $0.age] },
        Printing(
            ["admissionregistration.k8s.io/MutatingAdmissionPolicy"], "Name@,Mutations#,ParamKind,Age"
        ) { [$0.name, .integer(Int64($0["spec", "mutations"].list.count)), .string(parameterKind($0)), $0.age] },
        Printing(
            [
                "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
                "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
            ], "Name@,PolicyName,ParamRef,Age"
        ) { [$0.name, .string($0["spec", "policyName"].text), .string(parameterReference($0)), $0.age] },
        Printing(
            ["flowcontrol.apiserver.k8s.io/FlowSchema"],
            "Name@,PriorityLevel,MatchingPrecedence,DistinguisherMethod,Age,MissingPL"
        ) {
            [
                $0.name, .string($0["spec", "priorityLevelConfiguration", "name"].text),
                .integer($0["spec", "matchingPrecedence"].count),
                .string($0["spec", "distinguisherMethod", "type"].stringValue ?? "<none>"), $0.age,
                .string(CellText.condition("Dangling", of: $0["status"])?[or: "status"].text ?? "?"),
            ]
        },
        Printing(
            ["flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration"],
            "Name@,Type,NominalConcurrencyShares,Queues,HandSize,QueueLengthLimit,Age"
        ) {
            let none: JSONValue = "<none>"
            let limited = $0["spec", "limited"]
            let queuing = limited[path: "limitResponse", "queuing"] ?? .null
            return [
                $0.name, .string($0["spec", "type"].text), limited["nominalConcurrencyShares"] ?? none,
                queuing["queues"] ?? none, queuing["handSize"] ?? none, queuing["queueLengthLimit"] ?? none, $0.age,
            ]
        },
        Printing(["internal.apiserver.k8s.io/StorageVersion"], "Name@,CommonEncodingVersion,StorageVersions,Age") {
            let versions = $0["status", "storageVersions"].list.map {
                "\($0[or: "apiServerID"].text)=\($0[or: "encodingVersion"].text)"
            }
            return [
                $0.name, .string($0["status", "commonEncodingVersion"].stringValue ?? "<unset>"),
                .string(CellText.list(versions)), $0.age,
            ]
        },
        Printing(["storagemigration.k8s.io/StorageVersionMigration"], "Name,Resource,Status") { cells in
            let states = ["Running", "Failed", "Succeeded"].filter { CellText.isTrue($0, of: cells["status"]) }
            let group = cells["spec", "resource", "group"].text
            let resource = cells["spec", "resource", "resource"].text
            return [
                cells.name, .string(group.isEmpty ? resource : "\(resource).\(group)"),
                .string(states.last ?? "Unknown"),
            ]
        },
    ]

    private static func node(_ cells: TableCells) -> [JSONValue] {
        var status: [String] = []
        if let ready = CellText.condition("Ready", of: cells["status"]) {
            status.append(ready[or: "status"].text == "True" ? "Ready" : "NotReady")
        } else {
            status.append("Unknown")
        }
        if cells["spec", "unschedulable"].boolValue == true { status.append("SchedulingDisabled") }
        let prefix = "node-role.kubernetes.io/"
        var roles: Set<String> = []
        for (key, value) in cells["metadata", "labels"].objectValue ?? [:] {
            if key.hasPrefix(prefix), key.utf8.count > prefix.utf8.count {
                roles.insert(String(key.dropFirst(prefix.count)))
            } else if key == "kubernetes.io/role", !value.text.isEmpty {
                roles.insert(value.text)
            }
        }
        let info = cells["status", "nodeInfo"]
        func address(_ type: String) -> String {
            cells["status", "addresses"].list.first { $0[or: "type"].text == type }?[or: "address"].text ?? "<none>"
        }
        let architecture = info[or: "architecture"].text
        return [
            cells.name, .string(status.joined(separator: ",")),
            .string(roles.isEmpty ? "<none>" : roles.sorted().joined(separator: ",")), cells.age,
            .string(info[or: "kubeletVersion"].text), .string(address("InternalIP")), .string(address("ExternalIP")),
            .string(info[or: "osImage"].text(or: "<unknown>")),
            .string(
                info[or: "kernelVersion"].text(or: "<unknown>") + (architecture.isEmpty ? "" : " (\(architecture))")),
            .string(info[or: "containerRuntimeVersion"].text(or: "<unknown>")),
        ]
    }

    private static func quota(_ cells: TableCells) -> [JSONValue] {
        var requests: [String] = []
        var limits: [String] = []
        let used = cells["status", "used"]
        for (resource, hard) in (cells["status", "hard"].objectValue ?? [:]).sortedByKey() {
            let amount = used[or: resource].scalarText
            let text = "\(resource): \(amount.isEmpty ? "0" : amount)/\(hard.scalarText)"
            if resource.hasPrefix("limits.") { limits.append(text) } else { requests.append(text) }
        }
        return [
            cells.name, .string(requests.joined(separator: ", ")), .string(limits.joined(separator: ", ")), cells.age,
        ]
    }

    /// An event of either group: `events.k8s.io` names the fields of the older form otherwise.
    private static func event(_ cells: TableCells) -> [JSONValue] {
        func first(_ names: String...) -> JSONValue { names.lazy.map { cells[$0] }.first { $0.isPresent } ?? .null }
        let involved = first("involvedObject", "regarding")
        let source = first("source", "deprecatedSource")
        let firstTime = first("firstTimestamp", "deprecatedFirstTimestamp")
        let firstSeen = cells.since(firstTime.isPresent ? firstTime : cells["eventTime"])
        let lastTime = first("lastTimestamp", "deprecatedLastTimestamp")
        var lastSeen = lastTime.isPresent ? cells.since(lastTime) : firstSeen
        var count = max(1, first("count", "deprecatedCount").count)
        let series = cells["series"]
        if series.isPresent {
            lastSeen = cells.since(series[or: "lastObservedTime"])
            count = series[or: "count"].count
        }
        let kind = involved[or: "kind"].text.lowercased()
        let name = involved[or: "name"].text
        let component = source[or: "component"].text(or: first("reportingComponent", "reportingController").text)
        let instance = source[or: "host"].text(or: cells["reportingInstance"].text)
        var message = Substring(first("message", "note").text)
        while message.first?.isWhitespace == true { message.removeFirst() }
        while message.last?.isWhitespace == true { message.removeLast() }
        return [
            .string(lastSeen), .string(cells["type"].text), .string(cells["reason"].text),
            .string(name.isEmpty ? kind : "\(kind)/\(name)"), .string(involved[or: "fieldPath"].text),
            .string(instance.isEmpty ? component : "\(component), \(instance)"), .string(String(message)),
            .string(firstSeen), .integer(count), cells.name,
        ]
    }

    private static func binding(_ cells: TableCells) -> [JSONValue] {
        func subjects(_ kind: String, _ text: (JSONValue) -> String) -> JSONValue {
            let subjects = cells["subjects"].list.filter { $0[or: "kind"].text == kind }
            return .string(subjects.map(text).joined(separator: ", "))
        }
        return [
            cells.name, .string("\(cells["roleRef", "kind"].text)/\(cells["roleRef", "name"].text)"), cells.age,
            subjects("User") { $0[or: "name"].text }, subjects("Group") { $0[or: "name"].text },
            subjects("ServiceAccount") { "\($0[or: "namespace"].text)/\($0[or: "name"].text)" },
        ]
    }

    private static func apiService(_ cells: TableCells) -> [JSONValue] {
        let service = cells["spec", "service"]
        var available = "Unknown"
        if let condition = CellText.condition("Available", of: cells["status"]) {
            available = condition[or: "status"].text
            let reason = condition[or: "reason"].text
            if available != "True", !reason.isEmpty { available += " (\(reason))" }
        }
        return [
            cells.name,
            .string(service.isNull ? "Local" : "\(service[or: "namespace"].text)/\(service[or: "name"].text)"),
            .string(available), cells.age,
        ]
    }

    private static func certificateRequest(_ cells: TableCells) -> [JSONValue] {
        let types = Set(cells["status", "conditions"].list.map { $0[or: "type"].text })
        var state = types.contains("Denied") ? "Denied" : types.contains("Approved") ? "Approved" : "Pending"
        if types.contains("Failed") { state += ",Failed" }
        if !cells["status", "certificate"].text.isEmpty { state += ",Issued" }
        let seconds = cells["spec", "expirationSeconds"].integerValue
        return [
            cells.name, cells.age, .string(cells["spec", "signerName"].text(or: "<none>")),
            .string(cells["spec", "username"].text),
            .string(seconds.map { HumanDuration.text(seconds: Double($0)) } ?? "<none>"), .string(state),
        ]
    }

    private static func parameterKind(_ cells: TableCells) -> String {
        let kind = cells["spec", "paramKind"]
        return kind.isNull ? "<unset>" : "\(kind[or: "apiVersion"].text)/\(kind[or: "kind"].text)"
    }

    private static func parameterReference(_ cells: TableCells) -> String {
        let reference = cells["spec", "paramRef"]
        let name = reference[or: "name"].text
        if !name.isEmpty { return "\(reference[or: "namespace"].text(or: "*"))/\(name)" }
        let selector = reference[or: "selector"]
        return selector.isPresent ? CellText.selector(selector) : "<unset>"
    }
}
