// Short forms of the schema's rules for names: what is wrong first, nil if nothing.

import APISchema

extension Names {
    static func qualifiedNameProblem(_ key: String) -> String? { isQualifiedName(key).first }
    static func labelValueProblem(_ value: String) -> String? { isLabelValue(value).first }
    static func pathSegmentProblem(_ name: String) -> String? { isPathSegmentName(name).first }
}
