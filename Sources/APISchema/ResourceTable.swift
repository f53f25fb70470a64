/// Reads resources.table: groups, versions, resources and their subresources.
enum ResourceTable {
    private static let allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    private static let subresourceVerbs = ["get", "patch", "update"]

    static func parse(
        _ text: TableText, messages: [String: MessageType]
    ) -> (groups: [APIGroup], resources: [ResourceType]) {
        var groups: [(name: String, versions: [String])] = []
        var resources: [ResourceType] = []
        var version = ""
        var package = ""
        var row: TableLine?
        var subresources: [TableLine] = []
        func finish() {
            guard let line = row, let group = groups.last?.name else { return }
            resources.append(
                resource(line, subresources, group: group, version: version, package: package, messages))
            row = nil
            subresources = []
        }
        for line in TableLines(text) {
            if line.isIndented {
                subresources.append(line)
                continue
            }
            finish()
            if line[0] == "group" {
                groups.append((line[1] == "-" ? "" : line[1].string, []))
            } else if line[0] == "version" {
                version = line[1].string
                package = line[2].string
                groups[groups.count - 1].versions.append(version)
            } else {
                row = line
            }
        }
        finish()
        return (groups.map { APIGroup(name: $0.name, versions: $0.versions) }, resources)
    }

    private static func resource(
        _ line: TableLine, _ subresources: [TableLine], group: String, version: String, package: String,
        _ messages: [String: MessageType]
    ) -> ResourceType {
        let plural = line[0].string
        let kind = line[1].string
        guard let message = messages["\(package).\(kind)"] else {
            preconditionFailure("resources.table:\(line.number): \(package) has no \(kind)")
        }
        var verbs = allVerbs
        var shortNames: [String] = []
        var categories: [String] = []
        var storage: StorageIdentity?
        var deprecation: String?
        for flag in line.words[3...] {
            if let list = flag.after("verbs=") {
                verbs = list.list
            } else if let list = flag.after("short=") {
                shortNames = list.list
            } else if let list = flag.after("in=") {
                categories = list.list
            } else if let place = flag.after("stored=") {
                let parts = place.split(UInt8(ascii: "/"))
                storage =
                    parts.count == 3
                    ? StorageIdentity(
                        group: parts[0] == "-" ? "" : parts[0].string, version: parts[1].string,
                        plural: parts[2].string)
                    : StorageIdentity(group: group, version: parts[0].string, plural: plural)
            } else if let terms = flag.after("deprecated=") {
                deprecation = warning(
                    of: group.isEmpty ? "\(version) \(kind)" : "\(group)/\(version) \(kind)", terms.list)
            } else {
                preconditionFailure("resources.table:\(line.number): \(flag.string) is not understood")
            }
        }
        return ResourceType(
            group: group, version: version, plural: plural, singular: kind.lowercased(), kind: kind,
            namespaced: line[2] == "namespaced", verbs: verbs, shortNames: shortNames, categories: categories,
            subresources: subresources.map {
                subresource($0, group: group, version: version, kind: kind, message: message, messages)
            }, message: message, storage: storage, deprecation: deprecation)
    }

    private static func subresource(
        _ line: TableLine, group: String, version: String, kind: String, message: MessageType,
        _ messages: [String: MessageType]
    ) -> SubresourceType {
        var verbs = subresourceVerbs
        var type = (group: group, version: version, kind: kind, message: Optional(message))
        for word in line.words[1...] {
            if let list = word.after("verbs=") {
                verbs = list.list
            } else if word.contains(UInt8(ascii: ".")) {
                guard let named = messages[word.string], let its = named.kinds.first else {
                    preconditionFailure("resources.table:\(line.number): no kind \(word.string)")
                }
                type = (its.group, its.version, its.kind, named)
            } else {
                type = (group, version, word.string, nil)
            }
        }
        return SubresourceType(
            name: line[0].string, group: type.group, version: type.version, kind: type.kind, verbs: verbs,
            message: type.message)
    }

    /// `apps/v1beta1 Deployment is deprecated in v1.8+, unavailable in v1.16+; use apps/v1 Deployment`
    private static func warning(of what: String, _ terms: [String]) -> String {
        var text = "\(what) is deprecated in v\(terms[0])+"
        if terms[1] != "-" { text += ", unavailable in v\(terms[1])+" }
        if terms[2] != "-", let slash = terms[2].lastIndex(of: "/") {
            text += "; use \(terms[2][..<slash]) \(terms[2][terms[2].index(after: slash)...])"
        }
        return text
    }
}
