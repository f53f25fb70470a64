import APISchema
import JSON
import KubeTypes

/// Label and field selectors as queries have them: read or refused.
extension Fuzz {
    static func readSelectors(_ bytes: UnsafeBufferPointer<UInt8>) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let labels = try? LabelSelectorText.parse(text) {
            _ = labels.matches(["app": "a", "example.com/name": "1"])
            require(
                labels.matches(["app": "a"] as [String: String]) == labels.matches(["app": "a"] as JSONObject),
                "labels as texts and as JSON match alike")
        }
        if let fields = try? FieldSelector.parse(text) {
            for resource in ["pods", "configmaps", "events"] {
                _ = try? SelectableFields.resolve(fields, resource: resource, group: "")
            }
        }
    }
}
