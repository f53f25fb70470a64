import JSON
import KubeTypes

/// The rows of what runs pods: Deployments, Jobs and their like.
enum WorkloadPrinters {
    static let all: [Printing] = [
        Printing(
            ["/Pod"], "Name@,Ready,Status,Restarts,Age,IP+,Node+,Nominated Node+,Readiness Gates+", PodPrinter.cells),
        Printing(["/PodTemplate"], "Name@,Containers,Images,Pod Labels") {
            [$0.name] + CellText.containers($0["template", "spec"])
                + [.string(CellText.labels($0["template", "metadata", "labels"]))]
        },
        Printing(
            ["/ReplicationController"], "Name@,Desired#,Current#,Ready#,Age,Containers+,Images+,Selector+"
        ) {
            [
                $0.name, .integer($0["spec", "replicas"].count), .integer($0["status", "replicas"].count),
                .integer($0["status", "readyReplicas"].count), $0.age,
            ] + CellText.containers($0["spec", "template", "spec"])
                + [.string(CellText.labels($0["spec", "selector"]))]
        },
        Printing(
            ["apps/ReplicaSet", "extensions/ReplicaSet"],
            "Name@,Desired#,Current#,Ready#,Age,Containers+,Images+,Selector+"
        ) {
            [
                $0.name, .integer($0["spec", "replicas"].count), .integer($0["status", "replicas"].count),
                .integer($0["status", "readyReplicas"].count), $0.age,
            ] + CellText.containers($0["spec", "template", "spec"])
                + [.string(CellText.selectorOrNone($0["spec", "selector"]))]
        },
        Printing(
            ["apps/Deployment", "extensions/Deployment"],
            "Name@,Ready,Up-to-date,Available,Age,Containers+,Images+,Selector+"
        ) {
            [
                $0.name, .string("\($0["status", "readyReplicas"].count)/\($0["spec", "replicas"].count)"),
                .integer($0["status", "updatedReplicas"].count), .integer($0["status", "availableReplicas"].count),
                $0.age,
            ] + CellText.containers($0["spec", "template", "spec"])
                + [.string(CellText.selector($0["spec", "selector"]))]
        },
        Printing(["apps/StatefulSet"], "Name@,Ready,Age,Containers+,Images+") {
            [$0.name, .string("\($0["status", "readyReplicas"].count)/\($0["spec", "replicas"].count)"), $0.age]
                + CellText.containers($0["spec", "template", "spec"])
        },
        Printing(
            ["apps/DaemonSet", "extensions/DaemonSet"],
            "Name@,Desired#,Current#,Ready#,Up-to-date#,Available#,Node Selector,Age,Containers+,Images+,Selector+"
        ) {
            [
                $0.name, .integer($0["status", "desiredNumberScheduled"].count),
                .integer($0["status", "currentNumberScheduled"].count), .integer($0["status", "numberReady"].count),
                .integer($0["status", "updatedNumberScheduled"].count), .integer($0["status", "numberAvailable"].count),
                .string(CellText.labels($0["spec", "template", "spec", "nodeSelector"])), $0.age,
            ] + CellText.containers($0["spec", "template", "spec"])
                + [.string(CellText.selectorOrNone($0["spec", "selector"]))]
        },
        Printing(["apps/ControllerRevision"], "Name@,Controller,Revision,Age") {
            [$0.name, .string(controller($0)), .integer($0["revision"].count), $0.age]
        },
        Printing(["batch/Job"], "Name@,Status,Completions,Duration,Age,Containers+,Images+,Selector+", job),
        Printing(
            ["batch/CronJob"],
            "Name@,Schedule,Timezone,Suspend?,Active#,Last Schedule,Age,Containers+,Images+,Selector+", cronJob),
        Printing(
            ["policy/PodDisruptionBudget"], "Name@,Min Available,Max Unavailable,Allowed Disruptions#,Age"
        ) {
            [
                $0.name, .string($0["spec", "minAvailable"].isNull ? "N/A" : $0["spec", "minAvailable"].scalarText),
                .string($0["spec", "maxUnavailable"].isNull ? "N/A" : $0["spec", "maxUnavailable"].scalarText),
                .integer($0["status", "disruptionsAllowed"].count), $0.age,
            ]
        },
        Printing(
            ["autoscaling/HorizontalPodAutoscaler"], "Name@,Reference,Targets,MinPods,MaxPods,Replicas,Age"
        ) {
            [
                $0.name,
                .string("\($0["spec", "scaleTargetRef", "kind"].text)/\($0["spec", "scaleTargetRef", "name"].text)"),
                .string(AutoscalerMetrics.text($0)),
                .string($0["spec", "minReplicas"].isNull ? "<unset>" : $0["spec", "minReplicas"].scalarText),
                .integer($0["spec", "maxReplicas"].count), .integer($0["status", "currentReplicas"].count), $0.age,
            ]
        },
        Printing(["autoscaling/Scale", "extensions/Scale", "apps/Scale"], "Name,Desired#,Available#,Age") {
            [$0.name, .integer($0["spec", "replicas"].count), .integer($0["status", "replicas"].count), $0.age]
        },
        Printing(["scheduling.k8s.io/PriorityClass"], "Name@,Value#,Global-Default?,Age,PreemptionPolicy") {
            [
                $0.name, .integer($0["value"].count), .bool($0["globalDefault"].boolValue ?? false), $0.age,
                .string($0["preemptionPolicy"].text),
            ]
        },
        Printing(["scheduling.k8s.io/PodGroup"], "Name@,Policy,Workload,Status,Age", podGroup),
    ]

    private static func controller(_ cells: TableCells) -> String {
        guard
            let owner = cells["metadata", "ownerReferences"].list.first(where: {
                $0[or: "controller"].boolValue == true
            })
        else { return "<none>" }
        let version = owner[or: "apiVersion"].text
        let group = version.firstIndex(of: "/").map { "." + version[..<$0] } ?? ""
        return "\(owner[or: "kind"].text)\(group)".lowercased() + "/\(owner[or: "name"].text)"
    }

    private static func job(_ cells: TableCells) -> [JSONValue] {
        let status = cells["status"]
        let succeeded = status[or: "succeeded"].count
        let parallelism = cells["spec", "parallelism"].count
        let completions =
            if let wanted = cells["spec", "completions"].integerValue {
                "\(succeeded)/\(wanted)"
            } else if parallelism > 1 {
                "\(succeeded)/1 of \(parallelism)"
            } else {
                "\(succeeded)/1"
            }
        var duration = ""
        if let start = Time(status[or: "startTime"].text) {
            let end = Time(status[or: "completionTime"].text) ?? cells.now
            duration = HumanDuration.text(seconds: end.since(start))
        }
        let states = [
            ("Complete", "Complete"), ("Failed", "Failed"), ("", "Terminating"), ("Suspended", "Suspended"),
            ("FailureTarget", "FailureTarget"), ("SuccessCriteriaMet", "SuccessCriteriaMet"),
        ]
        let state = states.first { condition, _ in
            condition.isEmpty ? cells.isBeingDeleted : CellText.isTrue(condition, of: status)
        }
        return [cells.name, .string(state?.1 ?? "Running"), .string(completions), .string(duration), cells.age]
            + CellText.containers(cells["spec", "template", "spec"])
            + [.string(CellText.selectorOrNone(cells["spec", "selector"]))]
    }

    private static func cronJob(_ cells: TableCells) -> [JSONValue] {
        let suspend = cells["spec", "suspend"].boolValue.map { $0 ? "True" : "False" } ?? "<unset>"
        let last = cells["status", "lastScheduleTime"]
        let template = cells["spec", "jobTemplate", "spec"]
        return [
            cells.name, .string(cells["spec", "schedule"].text), .string(cells["spec", "timeZone"].text(or: "<none>")),
            .string(suspend), .integer(Int64(cells["status", "active"].list.count)),
            .string(last.isNull ? "<none>" : cells.since(last)), cells.age,
        ] + CellText.containers(template[path: "template", "spec"] ?? .null)
            + [.string(CellText.selectorOrNone(template[or: "selector"]))]
    }

    private static func podGroup(_ cells: TableCells) -> [JSONValue] {
        let policy = cells["spec", "schedulingPolicy", "gang"].isNull ? "Basic" : "Gang"
        var state = "Pending"
        if let scheduled = CellText.condition("PodGroupScheduled", of: cells["status"]) {
            state = scheduled[or: "status"].text == "True" ? "Scheduled" : "Unschedulable"
        }
        if let target = CellText.condition("DisruptionTarget", of: cells["status"]) {
            state = target[or: "reason"].text
        }
        let workload = cells["spec", "podGroupTemplateRef", "workload", "workloadName"].text(or: "<none>")
        return [cells.name, .string(policy), .string(workload), .string(state), cells.age]
    }
}

/// The metrics of a HorizontalPodAutoscaler with their current and wanted values.
private enum AutoscalerMetrics {
    static func text(_ cells: TableCells) -> String {
        if let target = cells["spec", "targetCPUUtilizationPercentage"].integerValue {  // autoscaling/v1
            let current = cells["status", "currentCPUUtilizationPercentage"].integerValue
            return "cpu: \(current.map { "\($0)%" } ?? "<unknown>")/\(target)%"
        }
        let statuses = cells["status", "currentMetrics"].list
        let metrics = cells["spec", "metrics"].list.enumerated().map { position, metric in
            self.metric(metric, statuses.indices.contains(position) ? statuses[position] : .null)
        }
        return CellText.list(metrics, limit: 2, empty: "<none>", separator: ", ")
    }

    private static func metric(_ metric: JSONValue, _ status: JSONValue) -> String {
        let field: String
        switch metric[or: "type"].text {
        case "External": field = "external"
        case "Pods": field = "pods"
        case "Object": field = "object"
        case "Resource": field = "resource"
        case "ContainerResource": field = "containerResource"
        default: return "<unknown type>"
        }
        let target = metric[path: field, "target"] ?? .null
        let current = status[path: field, "current"] ?? .null
        func known(_ key: String, _ suffix: String = "") -> String {
            let text = current[or: key].scalarText
            return text.isEmpty ? "<unknown>" : text + suffix
        }
        let average = target[or: "averageValue"].scalarText
        if field == "resource" || field == "containerResource" {
            let name = metric[path: field, "name"]?.text ?? ""
            if !average.isEmpty { return "\(name): \(known("averageValue"))/\(average)" }
            let wanted = target[or: "averageUtilization"].integerValue.map { "\($0)%" } ?? "<auto>"
            return "\(name): \(known("averageUtilization", "%"))/\(wanted)"
        }
        if field == "pods" { return "\(known("averageValue"))/\(average)" }
        if !average.isEmpty { return "\(known("averageValue"))/\(average) (avg)" }
        return "\(known("value"))/\(target[or: "value"].scalarText)"
    }
}
