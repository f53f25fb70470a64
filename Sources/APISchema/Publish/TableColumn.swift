import JSON

/// A column of a table.
public struct TableColumn: Sendable, Hashable {
    public let name: String
    /// An OpenAPI type: `string`, `integer`, `boolean`, `date`.
    public let type: String
    /// `name` where the column holds the name of the object.
    public let format: String
    public let description: String
    /// 0 is always shown, 1 only where there is room (`kubectl get -o wide`).
    public let priority: Int

    public init(name: String, type: String = "string", format: String = "", description: String = "", priority: Int = 0)
    {
        self.name = name
        self.type = type
        self.format = format
        self.description = description
        self.priority = priority
    }

    /// As a `TableColumnDefinition` of `meta.k8s.io`.
    public var definition: JSONValue {
        [
            "name": .string(name), "type": .string(type), "format": .string(format),
            "description": .string(description), "priority": .integer(Int64(priority)),
        ]
    }

    /// Columns in short notation: names with commas between, behind a name `+` for wide output only, `#` for integers,
    /// `?` for booleans, `@` for the name of the object, `%` for dates.
    static func list(_ notation: String) -> [TableColumn] {
        notation.split(separator: ",").map { word in
            var name = word
            var type = "string"
            var format = ""
            var priority = 0
            while let mark = name.last, "+#?@%".contains(mark) {
                switch mark {
                case "+": priority = 1
                case "#": type = "integer"
                case "?": type = "boolean"
                case "%": type = "date"
                default: format = "name"
                }
                name.removeLast()
            }
            return TableColumn(
                name: String(name), type: type, format: format, description: descriptions[String(name)] ?? "",
                priority: priority)
        }
    }

    /// What a column of that name usually holds.
    static func description(of name: String) -> String { descriptions[name] ?? "" }

    private static let descriptions: [String: String] = [
        "Name": "The name of the object, unique among those of its kind in its namespace.",
        "Age": "How long ago the object was created.",
        "Created At": "When the object was created.",
        "Ready": "How many of those wanted are ready.",
        "Status": "The state of the object in one word.",
        "Restarts": "How often containers were restarted, and how long ago the last time was.",
        "IP": "The address of the pod.",
        "Node": "The node that the object is on.",
        "Nominated Node": "The node that preemption is making room on for the pod.",
        "Readiness Gates": "How many of the pod's readiness gates are open.",
        "Containers": "The names of the containers in the template.",
        "Images": "The images of the containers in the template.",
        "Selector": "The labels that select the objects it is about.",
        "Desired": "How many are wanted.",
        "Current": "How many there are.",
        "Up-to-date": "How many were made after the current template.",
        "Available": "How many have been ready for long enough.",
        "Type": "The type of the object.",
        "Cluster-IP": "The address of the service inside the cluster.",
        "External-IP": "The addresses under which it is reached from outside.",
        "Port(s)": "The ports with their protocols, and the port on the nodes behind a colon.",
        "Data": "How many entries it holds.",
        "Roles": "The roles of the node.",
        "Version": "The version of the kubelet.",
        "Internal-IP": "The address of the node inside the cluster.",
        "OS-Image": "The operating system.",
        "Kernel-Version": "The kernel and its architecture.",
        "Container-Runtime": "The container runtime and its version.",
        "Last Seen": "How long ago it happened last.",
        "First Seen": "How long ago it happened first.",
        "Reason": "Why, in one word.",
        "Object": "What it happened to.",
        "Subobject": "The part of the object that it happened to.",
        "Source": "Who reported it.",
        "Message": "What happened.",
        "Count": "How often it happened.",
        "Completions": "How many pods have succeeded, of how many.",
        "Duration": "How long it ran or has been running.",
        "Schedule": "When it runs, in cron notation.",
        "Suspend": "Whether it is suspended.",
        "Active": "How many jobs are running.",
        "Last Schedule": "How long ago a job was scheduled.",
        "Holder": "Who holds the lease.",
    ]
}
