// Which objects of the cache a field selector selects.

import APISchema

extension FieldSelector {
    func matches(_ object: CachedObject) -> Bool {
        for term in terms {
            let value =
                switch term.field {
                case "metadata.name": object.key.name
                case "metadata.namespace": object.key.namespace
                default: SelectableFields.value(of: term, in: object.value)
                }
            if (value == term.value) != term.equal { return false }
        }
        return true
    }
}
