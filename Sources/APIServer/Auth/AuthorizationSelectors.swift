// Selectors of requests and of access reviews, read for authorizers.

import APISchema
import JSON
import KubeTypes

extension AuthorizationSelectors {
    /// The selectors in a request's query. One that does not parse is reported when the request is answered.
    init(_ query: Query) {
        self.init()
        if let text = query["fieldSelector"], !text.isEmpty { readFields(text) }
        if let text = query["labelSelector"], !text.isEmpty { readLabels(text) }
    }

    /// The selectors in the `resourceAttributes` of an access review.
    init(_ attributes: JSONObject) {
        self.init()
        if let selector = attributes["fieldSelector"]?.objectValue {
            let text = selector[string: "rawSelector"]
            if !text.isEmpty { readFields(text) }
            let requirements = selector[array: "requirements"]
            if !requirements.isEmpty { readFields(requirements) }
        }
        if let selector = attributes["labelSelector"]?.objectValue {
            let text = selector[string: "rawSelector"]
            if !text.isEmpty { readLabels(text) }
            let requirements = selector[array: "requirements"]
            if !requirements.isEmpty { readLabels(requirements) }
        }
    }

    private mutating func readFields(_ text: String) {
        do throws(SelectorError) {
            fields = try FieldSelector.parse(text).terms.map {
                Field(field: $0.field, value: $0.value, equal: $0.equal)
            }
        } catch {
            fieldProblem = error.message
        }
    }

    private mutating func readLabels(_ text: String) {
        do throws(SelectorError) {
            labels = try LabelSelectorText.parse(text).requirements
        } catch {
            labelProblem = error.message
        }
    }

    /// Field selectors know equality alone: what says more is left out.
    private mutating func readFields(_ requirements: [JSONValue]) {
        for requirement in requirements {
            let values = requirement["values"]?.strings ?? []
            let name = requirement["operator"]?.stringValue ?? ""
            switch name {
            case "In" where values.count == 1, "NotIn" where values.count == 1:
                fields.append(
                    Field(field: requirement["key"]?.stringValue ?? "", value: values[0], equal: name == "In"))
            default: fieldProblem = "fieldSelectors do not support \(name) with \(values.count) values"
            }
        }
    }

    private mutating func readLabels(_ requirements: [JSONValue]) {
        for requirement in requirements {
            let key = requirement["key"]?.stringValue ?? ""
            let values = Set(requirement["values"]?.strings ?? [])
            guard Names.qualifiedNameProblem(key) == nil, values.allSatisfy({ Names.labelValueProblem($0) == nil })
            else {
                labelProblem = "\"\(key)\" is no valid label requirement"
                continue
            }
            switch requirement["operator"]?.stringValue ?? "" {
            case "In" where !values.isEmpty: labels.append(.in(key: key, values: values))
            case "NotIn" where !values.isEmpty: labels.append(.notIn(key: key, values: values))
            case "Exists" where values.isEmpty: labels.append(.exists(key: key))
            case "DoesNotExist" where values.isEmpty: labels.append(.doesNotExist(key: key))
            case let name: labelProblem = "\"\(name)\" is not a valid label selector operator"
            }
        }
    }

    /// What an access review's status says of selectors that could not be understood.
    var evaluationErrors: [String] {
        func text(_ name: String, _ problem: String?, kept: Bool) -> String? {
            guard problem != nil else { return nil }
            return "spec.resourceAttributes.\(name) \(kept ? "partially " : "")ignored due to parse error"
        }
        return [
            text("fieldSelector", fieldProblem, kept: !fields.isEmpty),
            text("labelSelector", labelProblem, kept: !labels.isEmpty),
        ].compactMap { $0 }
    }
}
