import Testing

@testable import APISchema

@Suite struct TableTests {
    let schema = Schema.builtin

    @Test func everythingIsThere() {
        // 771 definitions of v1.36 and those of the older versions.
        #expect(schema.messages.filter { $0.origin == nil || !Self.isOlder($0) }.count >= 771)
        #expect(schema.groups.first?.name == "")
        #expect(schema.groups.last?.name == "extensions")
        #expect(schema.group("apps")?.versions == ["v1", "v1beta2", "v1beta1"])
        #expect(schema.group("autoscaling")?.versions == ["v2", "v1", "v2beta2", "v2beta1"])
        #expect(schema.group("nothing") == nil)
    }

    private static func isOlder(_ message: MessageType) -> Bool {
        ["apps/v1beta1", "apps/v1beta2", "extensions/v1beta1"].contains(message.package)
    }

    @Test func aResourceHasWhatDiscoveryShows() throws {
        let pods = Given.resource("v1", "pods")
        #expect(pods.kind == "Pod")
        #expect(pods.singular == "pod")
        #expect(pods.namespaced)
        #expect(pods.shortNames == ["po"])
        #expect(pods.categories == ["all"])
        #expect(pods.apiVersion == "v1")
        #expect(pods.verbs.count == 8)
        let eviction = try #require(pods.subresource("eviction"))
        #expect(eviction.group == "policy")
        #expect(eviction.version == "v1")
        #expect(eviction.kind == "Eviction")
        #expect(eviction.verbs == ["create"])
        #expect(eviction.message?.name == "policy/v1.Eviction")
        #expect(pods.subresource("status")?.message === pods.message)
        #expect(pods.subresource("exec")?.message == nil)
        #expect(pods.subresource("exec")?.kind == "PodExecOptions")
        let token = Given.resource("v1", "serviceaccounts").subresource("token")
        #expect(token?.group == "authentication.k8s.io")
        #expect(Given.resource("apps/v1", "deployments").subresource("scale")?.kind == "Scale")
        #expect(Given.resource("authorization.k8s.io/v1", "subjectaccessreviews").verbs == ["create"])
        #expect(!Given.resource("v1", "nodes").namespaced)
        #expect(schema.resource(apiVersion: "apps/v1", kind: "Deployment") === Given.resource("apps/v1", "deployments"))
        #expect(schema.resource(apiVersion: "v1", kind: "Deployment") == nil)
    }

    @Test func olderVersionsShareTheObjectsOfToday() {
        let old = Given.resource("extensions/v1beta1", "deployments")
        #expect(old.storage == StorageIdentity(group: "apps", version: "v1", plural: "deployments"))
        #expect(schema.storageResource(of: old) === Given.resource("apps/v1", "deployments"))
        #expect(
            old.deprecation
                == "extensions/v1beta1 Deployment is deprecated in v1.8+, unavailable in v1.16+; "
                + "use apps/v1 Deployment")
        #expect(Given.resource("apps/v1", "deployments").deprecation == nil)
        #expect(Given.resource("v1", "componentstatuses").deprecation == "v1 ComponentStatus is deprecated in v1.19+")
    }

    @Test func everyStoredFormIsServed() {
        for resource in schema.resources {
            let stored = schema.resource(
                group: resource.storage.group, version: resource.storage.version, plural: resource.storage.plural)
            #expect(stored != nil, "\(resource.apiVersion) \(resource.plural)")
            // A stored form is stored as itself: there are no chains.
            #expect(stored?.storage == stored?.identity)
            #expect(
                resource.message.kinds.contains(
                    GroupVersionKind(group: resource.group, version: resource.version, kind: resource.kind)),
                "\(resource.apiVersion) \(resource.kind)")
        }
    }

    @Test func fieldsAreTypedAndMergeAsTheTableSays() throws {
        let spec = try #require(schema.message("core/v1.PodSpec"))
        #expect(spec.openAPIName == "io.k8s.api.core.v1.PodSpec")
        #expect(spec.protobufName == "k8s.io.api.core.v1.PodSpec")
        let containers = try #require(spec.field("containers"))
        #expect(containers.isRequired)
        #expect(containers.number == 2)
        #expect(containers.patchMerges)
        #expect(containers.patchMergeKey == "name")
        #expect(containers.semantics == .map(keys: ["name"]))
        #expect(containers.type == .list(.message(try #require(schema.message("core/v1.Container")))))
        #expect(spec.field("Containers") == nil)
        #expect(spec.message(of: "volumes")?.name == "core/v1.Volume")
        #expect(spec.field("volumes")?.patchStrategy == "merge,retainKeys")
        #expect(spec.field("dnsPolicy")?.supportedValues?.contains("None") == true)
        #expect(spec.field("dnsPolicy")?.defaultValue == "ClusterFirst")
        #expect(schema.message("api/resource.Quantity")?.scalar == .quantity)
        let selector = try #require(schema.message("core/v1.Service")?.message(of: "spec")?.field("selector"))
        #expect(selector.type == .map(.scalar(.string)))
        #expect(schema.message("meta/v1.ObjectMeta")?.field("finalizers")?.semantics == .set)
        let profile = try #require(schema.message("core/v1.SeccompProfile"))
        #expect(profile.unions.first?.discriminator == "type")
        #expect(profile.unions.first?.members.first?.go == "LocalhostProfile")
    }

    @Test func olderMessagesAreMadeAfterTodays() throws {
        let spec = try #require(schema.message("extensions/v1beta1.DeploymentSpec"))
        #expect(spec.field("rollbackTo")?.type.message?.name == "extensions/v1beta1.RollbackConfig")
        #expect(spec.field("selector")?.isRequired == false)
        #expect(spec.field("strategy")?.type.message?.name == "extensions/v1beta1.DeploymentStrategy")
        #expect(spec.field("template")?.type.message?.name == "core/v1.PodTemplateSpec")
        #expect(spec.origin == "apps/v1.DeploymentSpec")
        let deployment = try #require(schema.message("extensions/v1beta1.Deployment"))
        #expect(deployment.field("spec")?.type.message === spec)
        #expect(deployment.openAPIName == "io.k8s.api.extensions.v1beta1.Deployment")
        #expect(deployment.kinds == [GroupVersionKind(group: "extensions", version: "v1beta1", kind: "Deployment")])
    }

    /// Messages whose versions have no conversion function must have the same fields: then a change of `apiVersion` is
    /// all it takes.
    @Test func versionsWithoutAConversionAgree() {
        let converted: Set = [
            "extensions/v1beta1 Ingress", "extensions/v1beta1 Deployment", "extensions/v1beta1 DaemonSet",
            "apps/v1beta1 Deployment", "events.k8s.io/v1 Event", "autoscaling/v1 HorizontalPodAutoscaler",
            "resource.k8s.io/v1beta1 ResourceClaim", "resource.k8s.io/v1beta1 ResourceClaimTemplate",
            "resource.k8s.io/v1beta1 ResourceSlice", "events.k8s.io/v1beta1 Event",
            "autoscaling/v2beta1 HorizontalPodAutoscaler", "networking.k8s.io/v1beta1 Ingress",
            "apiextensions.k8s.io/v1beta1 CustomResourceDefinition", "discovery.k8s.io/v1beta1 EndpointSlice",
            "flowcontrol.apiserver.k8s.io/v1beta1 PriorityLevelConfiguration",
            "flowcontrol.apiserver.k8s.io/v1beta2 PriorityLevelConfiguration",
            // Answered, never stored.
            "authorization.k8s.io/v1beta1 SubjectAccessReview", "authorization.k8s.io/v1beta1 LocalSubjectAccessReview",
        ]
        for resource in schema.resources where resource.storage != resource.identity {
            guard !converted.contains("\(resource.apiVersion) \(resource.kind)") else { continue }
            let differences = differences(resource.message, schema.storageResource(of: resource).message)
            #expect(differences.isEmpty, "\(resource.apiVersion) \(resource.kind): \(differences)")
        }
    }

    private func differences(_ left: MessageType, _ right: MessageType) -> [String] {
        var seen: Set<String> = []
        func compare(_ left: MessageType, _ right: MessageType, _ path: String) -> [String] {
            if left === right || !seen.insert(left.name).inserted { return [] }
            let names = Set(left.fields.map(\.name)).symmetricDifference(right.fields.map(\.name))
            var found = names.sorted().map { "\(path).\($0)" }
            for field in left.fields {
                guard let other = right.field(field.name) else { continue }
                if let inner = field.type.message, let otherInner = other.type.message {
                    found += compare(inner, otherInner, "\(path).\(field.name)")
                } else if field.type != other.type {
                    found.append("\(path).\(field.name): \(field.type) and \(other.type)")
                }
            }
            return found
        }
        return compare(left, right, "")
    }

    /// What the table holds can be stored and read: every resource takes an object with a name and nothing else, and
    /// gives it back as it was.
    @Test func everyResourceTakesAMinimalObject() throws {
        for resource in schema.resources {
            let text = """
                {"apiVersion":"\(resource.apiVersion)","kind":"\(resource.kind)","metadata":{"name":"a"}}
                """
            let what = "\(resource.apiVersion) \(resource.kind)"
            let object = try Given.defaulted(text, resource)
            var stored = object
            try schema.toStorage(&stored, from: resource)
            let form = schema.storageResource(of: resource)
            #expect(stored["apiVersion"]?.stringValue == form.apiVersion, "\(what)")
            var read = stored
            #expect(try schema.decode(&read, as: form.message, kind: form.kind, version: form.version) == [], "\(what)")
            #expect(read == stored, "\(what)")
            try schema.fromStorage(&read, to: resource)
            #expect(read["apiVersion"]?.stringValue == resource.apiVersion, "\(what)")
            var answered = read
            let unknown = try schema.decode(
                &answered, as: resource.message, kind: resource.kind, version: resource.version)
            #expect(unknown == [], "\(what)")
            #expect(answered == read, "\(what)")
            _ = schema.validateStructure(stored, of: form)
        }
    }
}
