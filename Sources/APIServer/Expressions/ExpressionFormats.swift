// The formats that expressions know by name: `format.dns1123Label()`.

import APISchema
import CEL
import KubeTypes

public enum ExpressionFormats {
    /// By the names that expressions use.
    public static let all: [String: NamedFormat] = {
        func prefix(_ check: @escaping @Sendable (String) -> [String]) -> @Sendable (String) -> [String] {
            // What is generated begins with the text: a dash at its end is not the end of the name.
            { text in check(text.hasSuffix("-") ? text + "a" : text) }
        }
        func simple(_ problem: String, _ check: @escaping @Sendable (String) -> Bool) -> @Sendable (String) -> [String]
        {
            { check($0) ? [] : [problem] }
        }
        return [
            "dns1123Label": NamedFormat(name: "DNS1123Label", patternSize: 30, problems: Names.isDNS1123Label),
            "dns1123Subdomain": NamedFormat(
                name: "DNS1123Subdomain", patternSize: 60, problems: Names.isDNS1123Subdomain),
            "dns1035Label": NamedFormat(name: "DNS1035Label", patternSize: 30, problems: Names.isDNS1035Label),
            "qualifiedName": NamedFormat(name: "QualifiedName", patternSize: 60, problems: Names.isQualifiedName),
            "dns1123LabelPrefix": NamedFormat(
                name: "DNS1123LabelPrefix", patternSize: 30, problems: prefix(Names.isDNS1123Label)),
            "dns1123SubdomainPrefix": NamedFormat(
                name: "DNS1123SubdomainPrefix", patternSize: 60, problems: prefix(Names.isDNS1123Subdomain)),
            "dns1035LabelPrefix": NamedFormat(
                name: "DNS1035LabelPrefix", patternSize: 30, problems: prefix(Names.isDNS1035Label)),
            "labelValue": NamedFormat(name: "LabelValue", patternSize: 40, problems: Names.isLabelValue),
            "uri": NamedFormat(
                name: "URI", patternSize: 1103, problems: simple("invalid URI for request", CELFormats.isURI)),
            "uuid": NamedFormat(
                name: "uuid", patternSize: 63, problems: simple("does not match the UUID format", CELFormats.isUUID)),
            "byte": NamedFormat(name: "byte", patternSize: 84, problems: simple("invalid base64", CELFormats.isBase64)),
            "date": NamedFormat(name: "date", patternSize: 98, problems: simple("invalid date", CELFormats.isDate)),
            "datetime": NamedFormat(
                name: "datetime", patternSize: 98, problems: simple("invalid datetime", CELFormats.isDateTime)),
        ]
    }()
}
