import JSON
import KubeTypes

/// How the objects of some kinds become rows.
struct Printing: Sendable {
    /// `group/Kind`; the core group is empty.
    let kinds: [String]
    let columns: [TableColumn]
    let cells: @Sendable (TableCells) -> [JSONValue]

    /// How the objects of a kind become rows that no list of kinds names.
    init(columns: [TableColumn], _ cells: @escaping @Sendable (TableCells) -> [JSONValue]) {
        kinds = []
        self.columns = columns
        self.cells = cells
    }

    init(_ kinds: [String], _ columns: String, _ cells: @escaping @Sendable (TableCells) -> [JSONValue]) {
        self.kinds = kinds
        self.columns = TableColumn.list(columns)
        self.cells = cells
    }
}

/// Tables as the server makes them for `kubectl get`: `Table` of `meta.k8s.io`, with upstream's columns and cells.
public enum Printer {
    /// What a row carries of its object (`includeObject` of `TableOptions`).
    public enum IncludeObject: String, Sendable {
        case none = "None"
        /// Its metadata, as `PartialObjectMetadata`. What clients get that don't ask.
        case metadata = "Metadata"
        case object = "Object"
    }

    /// The columns of a kind.
    public static func columns(group: String, kind: String) -> [TableColumn] {
        printing(group: group, kind: kind).columns
    }

    public static func columns(of resource: ResourceType) -> [TableColumn] {
        printing(of: resource).columns
    }

    private static func printing(of resource: ResourceType) -> Printing {
        resource.custom.map(CustomResourcePrinter.printing) ?? printing(group: resource.group, kind: resource.kind)
    }

    /// A table with a row for each of `objects`.
    /// - Parameters:
    ///   - now: what ages are counted to.
    ///   - listMetadata: the list's `metadata`, or that of a single object: its `resourceVersion`, `continue` and
    ///     `remainingItemCount` become those of the table.
    ///   - apiVersion: `meta.k8s.io/v1`, or `meta.k8s.io/v1beta1` for clients that ask for that.
    ///   - withColumns: false from the second event of a watch on.
    public static func table(
        of objects: [JSONValue], resource: ResourceType, now: Time, includeObject: IncludeObject = .metadata,
        listMetadata: JSONValue? = nil, apiVersion: String = "meta.k8s.io/v1", withColumns: Bool = true
    ) -> JSONValue {
        table(
            of: objects, printing(of: resource), group: resource.group, kind: resource.kind, now: now,
            includeObject: includeObject, listMetadata: listMetadata, apiVersion: apiVersion, withColumns: withColumns)
    }

    /// The same for a kind that need not be a resource: `autoscaling`/`Scale`, or core `Status`.
    public static func table(
        of objects: [JSONValue], group: String, kind: String, now: Time, includeObject: IncludeObject = .metadata,
        listMetadata: JSONValue? = nil, apiVersion: String = "meta.k8s.io/v1", withColumns: Bool = true
    ) -> JSONValue {
        table(
            of: objects, printing(group: group, kind: kind), group: group, kind: kind, now: now,
            includeObject: includeObject, listMetadata: listMetadata, apiVersion: apiVersion, withColumns: withColumns)
    }

    private static func table(
        of objects: [JSONValue], _ printing: Printing, group: String, kind: String, now: Time,
        includeObject: IncludeObject, listMetadata: JSONValue?, apiVersion: String, withColumns: Bool
    ) -> JSONValue {
        let isPod = group.isEmpty && kind == "Pod"
        let rows = sorted(objects, kind: kind).map { object -> JSONValue in
            let cells = TableCells(object: object, now: now)
            var row: JSONObject = ["cells": .array(printing.cells(cells))]
            if isPod, let conditions = PodPrinter.rowConditions(cells) { row["conditions"] = conditions }
            switch includeObject {
            case .none: row["object"] = .null
            case .metadata: row["object"] = PartialObjectMetadata.of(object, apiVersion: apiVersion)
            case .object: row["object"] = object
            }
            return .object(row)
        }
        var metadata = JSONObject()
        for field in ["resourceVersion", "continue", "remainingItemCount"] { metadata[field] = listMetadata?[field] }
        return [
            "kind": "Table", "apiVersion": .string(apiVersion), "metadata": .object(metadata),
            "columnDefinitions": withColumns ? .array(printing.columns.map(\.definition)) : .null,
            "rows": .array(rows),
        ]
    }

    /// Flow schemas are shown in the order in which they match; all else as it comes.
    private static func sorted(_ objects: [JSONValue], kind: String) -> [JSONValue] {
        guard kind == "FlowSchema", objects.count > 1 else { return objects }
        func key(_ object: JSONValue) -> (Int64, String) {
            (object[path: "spec", "matchingPrecedence"]?.count ?? 0, object[path: "metadata", "name"]?.text ?? "")
        }
        return objects.sorted { key($0) < key($1) }
    }

    private static func printing(group: String, kind: String) -> Printing {
        byKind["\(group)/\(kind)"] ?? (namesAndDates.contains("\(group)/\(kind)") ? createdAt : age)
    }

    private static let byKind: [String: Printing] = {
        var byKind: [String: Printing] = [:]
        let all = WorkloadPrinters.all + NetworkPrinters.all + ClusterPrinters.all + StoragePrinters.all
        for printing in all { for kind in printing.kinds { byKind[kind] = printing } }
        return byKind
    }()

    /// Kinds of which upstream shows when they were created, not for how long they have been.
    private static let namesAndDates: Set<String> = [
        "/LimitRange", "rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole",
        "apiextensions.k8s.io/CustomResourceDefinition", "storage.k8s.io/CSIStorageCapacity",
    ]

    private static let createdAt = Printing([], "Name@,Created At%") {
        [$0.name, .string($0["metadata", "creationTimestamp"].text)]
    }
    private static let age = Printing([], "Name@,Age") { [$0.name, $0.age] }
}

/// Objects of which only the metadata is wanted (`as=PartialObjectMetadata` in Accept).
public enum PartialObjectMetadata {
    /// `object` without anything but its metadata.
    public static func of(_ object: JSONValue, apiVersion: String = "meta.k8s.io/v1") -> JSONValue {
        ["kind": "PartialObjectMetadata", "apiVersion": .string(apiVersion), "metadata": object["metadata"] ?? [:]]
    }

    /// A `PartialObjectMetadataList` of `objects` with the metadata of the list they come from.
    public static func list(
        of objects: [JSONValue], listMetadata: JSONValue?, apiVersion: String = "meta.k8s.io/v1"
    ) -> JSONValue {
        [
            "kind": "PartialObjectMetadataList", "apiVersion": .string(apiVersion), "metadata": listMetadata ?? [:],
            "items": .array(objects.map { of($0, apiVersion: apiVersion) }),
        ]
    }
}
