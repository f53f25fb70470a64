import JSON
import KubeTypes

/// The rows of services and what else belongs to the network.
enum NetworkPrinters {
    static let all: [Printing] = [
        Printing(["/Service"], "Name@,Type,Cluster-IP,External-IP,Port(s),Age,Selector+") {
            [
                $0.name, .string($0["spec", "type"].text),
                .string($0["spec", "clusterIPs"].list.first?.text ?? "<none>"), .string(externalIP($0)),
                .string(ports($0["spec", "ports"])), $0.age, .string(CellText.labels($0["spec", "selector"])),
            ]
        },
        Printing(["/Endpoints"], "Name@,Endpoints,Age") { [$0.name, .string(endpoints($0["subsets"])), $0.age] },
        Printing(["discovery.k8s.io/EndpointSlice"], "Name@,AddressType,Ports,Endpoints,Age") {
            let ports = $0["ports"].list.map { port in
                port[or: "port"].integerValue.map { String($0) } ?? port[or: "name"].stringValue ?? "*"
            }
            let addresses = $0["endpoints"].list.flatMap { $0[or: "addresses"].list.map(\.text) }
            return [
                $0.name, .string($0["addressType"].text), .string(CellText.list(ports)),
                .string(CellText.list(addresses)), $0.age,
            ]
        },
        Printing(["networking.k8s.io/Ingress", "extensions/Ingress"], "Name@,Class,Hosts,Address,Ports,Age") {
            [
                $0.name, .string($0["spec", "ingressClassName"].stringValue ?? "<none>"),
                .string(hosts($0["spec", "rules"].list)), .string(CellText.loadBalancer($0["status", "loadBalancer"])),
                .string($0["spec", "tls"].list.isEmpty ? "80" : "80, 443"), $0.age,
            ]
        },
        Printing(["networking.k8s.io/IngressClass"], "Name@,Controller,Parameters,Age") {
            let parameters = $0["spec", "parameters"]
            let group = parameters[or: "apiGroup"].stringValue.map { ".\($0)" } ?? ""
            return [
                defaultName($0, annotations: ["ingressclass.kubernetes.io/is-default-class"]),
                .string($0["spec", "controller"].text),
                .string(
                    parameters.isNull
                        ? "<none>" : "\(parameters[or: "kind"].text)\(group)/\(parameters[or: "name"].text)"), $0.age,
            ]
        },
        Printing(["networking.k8s.io/NetworkPolicy", "extensions/NetworkPolicy"], "Name@,Pod-Selector,Age") {
            [$0.name, .string(CellText.selectorOrNone($0["spec", "podSelector"])), $0.age]
        },
        Printing(["networking.k8s.io/ServiceCIDR"], "Name@,CIDRs,Age") {
            [$0.name, .string($0["spec", "cidrs"].list.map(\.text).joined(separator: ",")), $0.age]
        },
        Printing(["networking.k8s.io/IPAddress"], "Name@,ParentRef") {
            [$0.name, .string(parent($0["spec", "parentRef"]))]
        },
    ]

    /// The name, marked if an annotation makes the object the default of its kind.
    static func defaultName(_ cells: TableCells, annotations: [String]) -> JSONValue {
        let isDefault = annotations.contains { cells["metadata", "annotations", $0].text == "true" }
        return .string(cells["metadata", "name"].text + (isDefault ? " (default)" : ""))
    }

    private static func externalIP(_ cells: TableCells) -> String {
        let external = cells["spec", "externalIPs"].list.map(\.text)
        switch cells["spec", "type"].text {
        case "ClusterIP", "NodePort": return external.isEmpty ? "<none>" : external.joined(separator: ",")
        case "LoadBalancer":
            let balancer = CellText.loadBalancer(cells["status", "loadBalancer"])
            let all = (balancer.isEmpty ? [] : [balancer]) + external
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        case "ExternalName": return cells["spec", "externalName"].text
        default: return "<unknown>"
        }
    }

    private static func ports(_ ports: JSONValue) -> String {
        let texts = ports.list.map { port in
            let node = port[or: "nodePort"].count
            return "\(port[or: "port"].count)\(node > 0 ? ":\(node)" : "")/\(port[or: "protocol"].text)"
        }
        return texts.isEmpty ? "<none>" : texts.joined(separator: ",")
    }

    private static func endpoints(_ subsets: JSONValue) -> String {
        let endpoints = subsets.list.flatMap { subset in
            let addresses = subset[or: "addresses"].list.map { $0[or: "ip"].text }
            let ports = subset[or: "ports"].list
            if ports.isEmpty { return addresses }  // a headless service need not have ports
            return ports.flatMap { port in addresses.map { CellText.hostPort($0, port[or: "port"].count) } }
        }
        return subsets.list.isEmpty ? "<none>" : CellText.list(endpoints, empty: "")
    }

    private static func hosts(_ rules: [JSONValue]) -> String {
        let hosts = rules.prefix(3).map { $0[or: "host"].text }.filter { !$0.isEmpty }
        if hosts.isEmpty { return "*" }
        // Counted by rules, named by hosts: one host with several rules is several rules.
        let listed = hosts.joined(separator: ",")
        return rules.count > 3 ? "\(listed) + \(rules.count - 3) more..." : listed
    }

    private static func parent(_ reference: JSONValue) -> String {
        guard reference.isPresent else { return "<none>" }
        let group = reference[or: "group"].text
        let resource = reference[or: "resource"].text
        var text = (group.isEmpty ? resource : "\(resource).\(group)").lowercased()
        let namespace = reference[or: "namespace"].text
        if !namespace.isEmpty { text += "/\(namespace)" }
        return "\(text)/\(reference[or: "name"].text)"
    }
}
