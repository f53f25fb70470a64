// Which objects of the cache a field selector selects.

import APISchema
import JSON

extension FieldSelector {
    func matches(_ object: CachedObject, value: JSONValue) -> Bool {
        for term in terms {
            let held =
                switch term.field {
                case "metadata.name": object.key.name
                case "metadata.namespace": object.key.namespace
                default: SelectableFields.value(of: term, in: value)
                }
            if (held == term.value) != term.equal { return false }
        }
        return true
    }
}
