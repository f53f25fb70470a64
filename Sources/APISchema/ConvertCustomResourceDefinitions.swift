import JSON

/// CustomResourceDefinitions of apiextensions.k8s.io/v1beta1: one version by name, and one schema, one set of
/// subresources and one of columns for all versions.
enum CustomResourceDefinitionConversion {
    private static let keepUnknown = "x-kubernetes-preserve-unknown-fields"

    static func toStorage(_ definition: inout JSONObject) {
        definition.changeOrMake("spec") { spec in
            let name = spec.removeValue(forKey: "version")
            if spec["versions"]?.arrayValue?.isEmpty ?? true, let name {
                spec["versions"] = [["name": name, "served": true, "storage": true]]
            }
            let schema = spec.removeValue(forKey: "validation")
            let subresources = spec.removeValue(forKey: "subresources")
            let columns = spec.removeValue(forKey: "additionalPrinterColumns")
            let selectable = spec.removeValue(forKey: "selectableFields")
            // Unless told otherwise this version kept what no schema knows; today the schema says so.
            let keepsUnknown = spec.removeValue(forKey: "preserveUnknownFields") != false
            spec.changeEach("versions") { version in
                if version["schema"] == nil { version["schema"] = schema }
                if version["subresources"] == nil { version["subresources"] = subresources }
                if version["additionalPrinterColumns"] == nil { version["additionalPrinterColumns"] = columns }
                if version["selectableFields"] == nil { version["selectableFields"] = selectable }
                version.changeEach("additionalPrinterColumns") { $0.rename("JSONPath", to: "jsonPath") }
                version.changeOrMake("schema") { schema in
                    schema.changeOrMake("openAPIV3Schema") { root in
                        root.setDefault("type", "object")
                        if keepsUnknown { root[keepUnknown] = true }
                    }
                }
            }
            spec.setDefault("scope", "Namespaced")
            spec.change("conversion") { conversion in
                var webhook = JSONObject()
                webhook["clientConfig"] = conversion.removeValue(forKey: "webhookClientConfig")
                webhook["conversionReviewVersions"] = conversion.removeValue(forKey: "conversionReviewVersions")
                guard conversion["strategy"] == "Webhook" else { return }
                webhook.setDefault("conversionReviewVersions", ["v1beta1"])
                conversion["webhook"] = .object(webhook)
            }
        }
    }

    static func fromStorage(_ definition: inout JSONObject) {
        definition.change("spec") { spec in
            spec.changeEach("versions") { version in
                version.changeEach("additionalPrinterColumns") { $0.rename("jsonPath", to: "JSONPath") }
            }
            let versions = spec["versions"]?.arrayValue ?? []
            spec["version"] = versions.first?["name"]
            for (field, old) in [
                ("schema", "validation"), ("subresources", "subresources"),
                ("additionalPrinterColumns", "additionalPrinterColumns"), ("selectableFields", "selectableFields"),
            ] {
                // What all versions have in common is said once.
                guard let first = versions.first?[field], versions.allSatisfy({ $0[field] == first }) else { continue }
                spec[old] = first
                spec.changeEach("versions") { $0[field] = nil }
            }
            spec.setDefault("preserveUnknownFields", false)
            spec.change("conversion") { conversion in
                guard let webhook = conversion.removeValue(forKey: "webhook") else { return }
                conversion["webhookClientConfig"] = webhook["clientConfig"]
                conversion["conversionReviewVersions"] = webhook["conversionReviewVersions"]
            }
        }
    }
}
