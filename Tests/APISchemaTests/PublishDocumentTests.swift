import JSON
import Testing

@testable import APISchema

private let schema = Schema.builtin

/// Every `$ref` in a document.
private func references(in value: JSONValue) -> Set<String> {
    var found: Set<String> = []
    func walk(_ value: JSONValue) {
        switch value {
        case .array(let elements): elements.forEach(walk)
        case .object(let object):
            for (key, value) in object {
                if key == "$ref", let reference = value.stringValue { found.insert(reference) }
                walk(value)
            }
        default: break
        }
    }
    walk(value)
    return found
}

@Suite struct DiscoveryTests {
    @Test func groups() throws {
        #expect(Discovery.versions(schema)["versions"] == ["v1"])
        let groups = try #require(Discovery.groupList(schema)["groups"]?.arrayValue)
        #expect(groups.first?["name"] == "apiregistration.k8s.io")
        #expect(!groups.contains { $0["name"] == "" })
        let autoscaling = try #require(Discovery.group(schema, "autoscaling"))
        #expect(autoscaling["preferredVersion"] == ["groupVersion": "autoscaling/v2", "version": "v2"])
        #expect(autoscaling["kind"] == "APIGroup")
        #expect(Discovery.group(schema, "nothing") == nil)
        #expect(Discovery.group(schema, "") == nil)
    }

    @Test func resources() throws {
        let core = try #require(Discovery.resourceList(schema, group: "", version: "v1"))
        #expect(core["groupVersion"] == "v1" && core["apiVersion"] == nil)
        let list = try #require(core["resources"]?.arrayValue)
        let names = list.compactMap { $0["name"]?.stringValue }
        #expect(names == names.sorted())
        let pods = try #require(list.first { $0["name"] == "pods" })
        #expect(pods["singularName"] == "pod" && pods["namespaced"] == true && pods["shortNames"] == ["po"])
        #expect(pods["categories"] == ["all"])
        let eviction = try #require(list.first { $0["name"] == "pods/eviction" })
        #expect(eviction["group"] == "policy" && eviction["kind"] == "Eviction" && eviction["verbs"] == ["create"])
        #expect(list.first { $0["name"] == "pods/status" }?["group"] == nil)
        let apps = try #require(Discovery.resourceList(schema, group: "apps", version: "v1"))
        #expect(apps["apiVersion"] == "v1" && apps["groupVersion"] == "apps/v1")
        #expect(Discovery.resourceList(schema, group: "apps", version: "v9") == nil)
    }

    @Test func everyResourceIsInBothForms() throws {
        var aggregated: Set<String> = []
        for core in [true, false] {
            let list = Discovery.aggregated(schema, core: core)
            #expect(list["apiVersion"] == "apidiscovery.k8s.io/v2" && list["kind"] == "APIGroupDiscoveryList")
            for group in list["items"]?.arrayValue ?? [] {
                let name = group["metadata"]?["name"]?.stringValue ?? ""
                for version in group["versions"]?.arrayValue ?? [] {
                    for resource in version["resources"]?.arrayValue ?? [] {
                        let path =
                            "\(name)/\(version["version"]?.stringValue ?? "")/\(resource["resource"]?.stringValue ?? "")"
                        let isNew = aggregated.insert(path).inserted
                        #expect(isNew)
                        for subresource in resource["subresources"]?.arrayValue ?? [] {
                            aggregated.insert("\(path)/\(subresource["subresource"]?.stringValue ?? "")")
                        }
                    }
                }
            }
        }
        var classic: Set<String> = []
        for group in schema.groups {
            for version in group.versions {
                let list = try #require(Discovery.resourceList(schema, group: group.name, version: version))
                for resource in list["resources"]?.arrayValue ?? [] {
                    let name = resource["name"]?.stringValue ?? ""
                    let isNew = classic.insert("\(group.name)/\(version)/\(name)").inserted
                    #expect(isNew)
                }
            }
        }
        #expect(classic == aggregated)
        #expect(Set(schema.resources.map { "\($0.group)/\($0.version)/\($0.plural)" }).isSubset(of: classic))
    }
}

@Suite struct OpenAPITests {
    @Test func v2IsWhole() throws {
        let document = OpenAPIV2.document(schema)
        let definitions = try #require(document["definitions"]?.objectValue)
        for reference in references(in: document) {
            let name = try #require(reference.hasPrefix("#/definitions/") ? reference.dropFirst(14) : nil)
            #expect(definitions[String(name)] != nil, "\(reference)")
        }
        let pod = try #require(definitions["io.k8s.api.core.v1.Pod"])
        #expect(pod["x-kubernetes-group-version-kind"] == [["group": "", "kind": "Pod", "version": "v1"]])
        let containers = try #require(definitions["io.k8s.api.core.v1.PodSpec"]?[path: "properties", "containers"])
        #expect(
            containers["x-kubernetes-patch-merge-key"] == "name" && containers["x-kubernetes-patch-strategy"] == "merge"
        )
        #expect(containers["x-kubernetes-list-map-keys"] == ["name"] && containers["x-kubernetes-list-type"] == "map")
        #expect(definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]?["format"] == "int-or-string")
        // Every kind of a resource can be found by its group, version and kind.
        var kinds: Set<JSONValue> = []
        for definition in definitions.values {
            kinds.formUnion(definition["x-kubernetes-group-version-kind"]?.arrayValue ?? [])
        }
        for resource in schema.resources {
            #expect(
                kinds.contains([
                    "group": .string(resource.group), "kind": .string(resource.kind),
                    "version": .string(resource.version),
                ]), "\(resource.apiVersion) \(resource.kind)")
        }
    }

    /// kubectl asks these operations whether it may send `dryRun` and `fieldValidation`.
    @Test(arguments: [OpenAPIDialect.v2, .v3]) func patchableKindsSayHow(dialect: OpenAPIDialect) throws {
        let paths = OpenAPIPaths(schema: schema, dialect: dialect)
        for group in schema.groups {
            for version in group.versions {
                let items = paths.paths(group: group.name, version: version)
                #expect(Set(items.map(\.path)).count == items.count)
                let patches = items.compactMap { $0.item["patch"] }
                for resource in schema.resources where resource.group == group.name && resource.version == version {
                    guard resource.verbs.contains("patch") else { continue }
                    let kind: JSONValue = [
                        "group": .string(resource.group), "kind": .string(resource.kind),
                        "version": .string(resource.version),
                    ]
                    let patch = try #require(patches.first { $0["x-kubernetes-group-version-kind"] == kind })
                    let parameters = patch["parameters"]?.arrayValue?.filter { $0["in"] == "query" }.compactMap {
                        $0["name"]?.stringValue
                    }
                    #expect(parameters == ["dryRun", "fieldManager", "fieldValidation", "force"])
                    #expect(patch["x-kubernetes-action"] == "patch")
                }
                let identifiers = items.flatMap { item in
                    ["get", "put", "post", "delete", "patch"].compactMap { item.item[$0]?["operationId"]?.stringValue }
                }
                #expect(Set(identifiers).count == identifiers.count, "\(group.name)/\(version)")
            }
        }
    }

    @Test func v3IsWhole() throws {
        let index = try #require(OpenAPIV3.index(schema)["paths"]?.objectValue)
        #expect(index["api/v1"] != nil && index["apis/apps/v1"] != nil)
        for group in schema.groups {
            for version in group.versions {
                let path = OpenAPIV3.path(group: group.name, version: version)
                let document = try #require(OpenAPIV3.document(schema, group: group.name, version: version))
                let components = try #require(document[path: "components", "schemas"]?.objectValue)
                for reference in references(in: document) {
                    let name = try #require(
                        reference.hasPrefix("#/components/schemas/") ? reference.dropFirst(21) : nil)
                    #expect(components[String(name)] != nil, "\(path): \(reference)")
                }
                let url = try #require(index[path]?["serverRelativeURL"]?.stringValue)
                #expect(url == "/openapi/v3/\(path)?hash=\(OpenAPIV3.hash(JSONWriter.bytes(of: document)))")
                for resource in schema.resources where resource.group == group.name && resource.version == version {
                    #expect(components[resource.message.openAPIName] != nil)
                }
            }
        }
        #expect(OpenAPIV3.document(schema, group: "apps", version: "v9") == nil)
    }

    @Test func whatPeopleAskForIsDescribed() throws {
        let described = ["Pod", "PodSpec", "Container", "ServiceSpec", "DeploymentSpec", "ObjectMeta", "Probe"]
        let document = OpenAPIV2.document(schema)
        for name in described {
            let definition = try #require(
                document["definitions"]?.objectValue?.first { $0.key.hasSuffix("v1.\(name)") }?.value)
            let properties = try #require(definition["properties"]?.objectValue)
            let missing = properties.filter { $0.value["description"] == nil }.map(\.key)
            #expect(Double(missing.count) <= Double(properties.count) * 0.4, "\(name): \(missing)")
        }
        // No line of the table is about a type or field that does not exist.
        let types = Dictionary(grouping: schema.messages, by: \.shortName)
        for line in OpenAPIDescriptionTable.text.split(separator: "\n") {
            let name = try #require(line.split(separator: ":").first).split(separator: ".").map(String.init)
            if name[0] == "*" { continue }
            let messages = try #require(types[name[0]], "\(name)")
            if name.count == 2 { #expect(messages.contains { $0.field(name[1]) != nil }, "\(name)") }
        }
    }

    @Test(arguments: [
        ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf", true), ("", false), ("*/*", false),
        ("application/json, application/com.github.proto-openapi.spec.v2@v1.0+protobuf", false),
        ("application/com.github.proto-openapi.spec.v2.v1.0+protobuf;q=1, application/json", true),
    ])
    func acceptOfProtobuf(accept: String, wanted: Bool) { #expect(OpenAPIV2.acceptsProtobuf(accept) == wanted) }

    /// The protobuf form, read back by a reader that knows nothing but the wire format.
    @Test func protobufForm() throws {
        let bytes = OpenAPIV2.protobuf(schema)
        let document = try fields(of: bytes[...])
        #expect(document.first { $0.number == 1 }.map { String(decoding: $0.bytes, as: UTF8.self) } == "2.0")
        let definitions = try fields(of: try #require(document.first { $0.number == 9 }).bytes)
        #expect(definitions.count == schema.messages.count)
        var names: Set<String> = []
        for definition in definitions {
            let pair = try fields(of: definition.bytes)
            let name = String(decoding: try #require(pair.first { $0.number == 1 }).bytes, as: UTF8.self)
            names.insert(name)
            guard name == "io.k8s.api.core.v1.Pod" else { continue }
            let pod = try fields(of: try #require(pair.first { $0.number == 2 }).bytes)
            let properties = try fields(of: try #require(pod.first { $0.number == 25 }).bytes)
            #expect(properties.count == 5)
            let kind = try fields(of: try #require(pod.first { $0.number == 31 }).bytes)
            #expect(kind.first.map { String(decoding: $0.bytes, as: UTF8.self) } == "x-kubernetes-group-version-kind")
            let yaml = try fields(of: try #require(kind.last).bytes)
            let text = String(decoding: try #require(yaml.first { $0.number == 2 }).bytes, as: UTF8.self)
            #expect(text == "[{\"group\":\"\",\"kind\":\"Pod\",\"version\":\"v1\"}]\n")
        }
        #expect(names.contains("io.k8s.api.core.v1.Pod"))
        let paths = try fields(of: try #require(document.first { $0.number == 8 }).bytes)
        #expect(paths.count == OpenAPIV2.document(schema)["paths"]?.objectValue?.count)
    }

    private struct Malformed: Error {}

    private func fields(of bytes: ArraySlice<UInt8>) throws -> [(number: Int, bytes: ArraySlice<UInt8>)] {
        var rest = bytes
        func varint() throws -> Int {
            var value = 0
            var shift = 0
            while let byte = rest.popFirst() {
                value |= Int(byte & 0x7f) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            throw Malformed()
        }
        var fields: [(number: Int, bytes: ArraySlice<UInt8>)] = []
        while !rest.isEmpty {
            let tag = try varint()
            switch tag & 7 {
            case 0:
                fields.append((tag >> 3, []))
                _ = try varint()
            case 2:
                let count = try varint()
                guard rest.count >= count else { throw Malformed() }
                fields.append((tag >> 3, rest.prefix(count)))
                rest = rest.dropFirst(count)
            default: throw Malformed()
            }
        }
        return fields
    }
}
