import JSON

/// CustomResourceDefinitions of `apiextensions.k8s.io/v1beta1`: what v1 says of each version stands there once for all,
/// unless the versions differ, and fields that are unknown are kept unless the definition says otherwise.
enum CustomResourceDefinitionConversion {
    /// What can stand once for all versions: its name there, and its name in a version.
    private static let common = [
        ("validation", "schema"), ("subresources", "subresources"),
        ("additionalPrinterColumns", "additionalPrinterColumns"), ("selectableFields", "selectableFields"),
    ]

    static func toStorage(_ definition: inout JSONObject) {
        definition.change("spec") { spec in
            var versions = spec["versions"]?.arrayValue ?? []
            if versions.isEmpty, let name = spec["version"]?.stringValue, !name.isEmpty {
                versions = [["name": .string(name), "served": true, "storage": true]]
            }
            spec["version"] = nil
            spec["versions"] = .array(versions)
            for (name, inVersion) in common {
                guard let value = spec.removeValue(forKey: name) else { continue }
                spec.changeEach("versions") { version in
                    if version[inVersion] == nil { version[inVersion] = value }
                }
            }
            spec.changeEach("versions") {
                $0.changeEach("additionalPrinterColumns") { $0.rename("JSONPath", to: "jsonPath") }
            }
            if spec["preserveUnknownFields"] == nil { spec["preserveUnknownFields"] = true }
            spec.change("conversion") { conversion in
                let client = conversion.removeValue(forKey: "webhookClientConfig")
                let versions = conversion.removeValue(forKey: "conversionReviewVersions")
                guard conversion["strategy"] == "Webhook" else { return }
                var webhook: JSONObject = ["conversionReviewVersions": versions ?? ["v1beta1"]]
                webhook["clientConfig"] = client
                conversion["webhook"] = .object(webhook)
            }
        }
    }

    static func fromStorage(_ definition: inout JSONObject) {
        definition.change("spec") { spec in
            spec.changeEach("versions") {
                $0.changeEach("additionalPrinterColumns") { $0.rename("jsonPath", to: "JSONPath") }
            }
            let versions = spec["versions"]?.arrayValue ?? []
            spec["version"] = versions.first?["name"]
            for (name, inVersion) in common {
                guard let value = versions.first?[inVersion], versions.allSatisfy({ $0[inVersion] == value }) else {
                    continue
                }
                spec[name] = value
                spec.changeEach("versions") { $0[inVersion] = nil }
            }
            spec.change("conversion") { conversion in
                guard let webhook = conversion.removeValue(forKey: "webhook") else { return }
                conversion["webhookClientConfig"] = webhook["clientConfig"]
                conversion["conversionReviewVersions"] = webhook["conversionReviewVersions"]
            }
        }
    }
}
