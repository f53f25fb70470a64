import JSON

/// A list of values, or a JSON array that is read as they are asked for.
public enum CELList: Sendable {
    case values([CELValue])
    case json(JSONList)

    public var count: Int {
        switch self {
        case .values(let values): values.count
        case .json(let list): list.elements.count
        }
    }

    /// Throws where the JSON at `index` is not what the schema says.
    func value(at index: Int) throws(CELError) -> CELValue {
        switch self {
        case .values(let values): values[index]
        case .json(let list): try CELValue.reading(list.elements[index], as: list.schema?.element)
        }
    }

    /// All the elements.
    public func all() throws(CELError) -> [CELValue] {
        guard case .json(let list) = self else {
            if case .values(let values) = self { return values }
            return []
        }
        var values: [CELValue] = []
        values.reserveCapacity(list.elements.count)
        for element in list.elements { values.append(try CELValue.reading(element, as: list.schema?.element)) }
        return values
    }

    /// For messages; elements that cannot be read are left out.
    func map<Result>(_ transform: (CELValue) -> Result) -> [Result] {
        ((try? all()) ?? []).map(transform)
    }

    /// How lists of the declared type are compared and added.
    var semantics: DeclaredType.ListSemantics {
        if case .json(let list) = self { list.schema?.listSemantics ?? .atomic } else { .atomic }
    }
}

/// A JSON array and what the schema says of it.
public final class JSONList: Sendable {
    let elements: [JSONValue]
    let schema: DeclaredType?

    init(_ elements: [JSONValue], schema: DeclaredType?) {
        self.elements = elements
        self.schema = schema
    }
}
