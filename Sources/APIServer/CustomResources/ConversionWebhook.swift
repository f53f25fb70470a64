// The webhook that converts between the versions of a custom resource (`ConversionReview`, v1 and v1beta1).

import APISchema
import JSON
import KubeTypes

struct ConversionWebhook: Sendable {
    /// Sends a document to where a definition's `clientConfig` leads, and returns the one that comes back; the error is
    /// what follows `conversion webhook for … failed: `.
    typealias Post = @Sendable (JSONValue, WebhookClientConfig) async throws(WebhookCallError) -> JSONValue

    private let client: WebhookClientConfig
    private let reviewVersions: [String]
    private let post: Post
    private let random: @Sendable () -> UInt64

    /// The webhook of a definition; nil if it has none.
    init?(_ definition: JSONValue, random: @escaping @Sendable () -> UInt64, post: @escaping Post) {
        guard definition[path: "spec", "conversion", "strategy"]?.stringValue == "Webhook",
            let webhook = definition[path: "spec", "conversion", "webhook"]
        else { return nil }
        client = WebhookClientConfig(webhook["clientConfig"])
        reviewVersions = webhook["conversionReviewVersions"]?.strings ?? []
        self.post = post
        self.random = random
    }

    /// The same objects in another version, in one request for all of them. Objects that are in it already are not sent.
    func convert(_ objects: [JSONValue], to apiVersion: String) async throws(APIError) -> [JSONValue] {
        let sent = objects.indices.filter { objects[$0]["apiVersion"]?.stringValue != apiVersion }
        guard let first = sent.first else { return objects }
        let kind = Self.kind(of: objects[first])
        guard let version = reviewVersions.first(where: { $0 == "v1" || $0 == "v1beta1" }) else {
            throw .internalError("no supported conversion review versions")
        }
        let uid = RandomNames.uuid(random)
        let review: JSONValue = [
            "kind": "ConversionReview", "apiVersion": .string("apiextensions.k8s.io/\(version)"),
            "request": [
                "uid": .string(uid), "desiredAPIVersion": .string(apiVersion),
                "objects": .array(sent.map { objects[$0] }),
            ],
        ]
        let answer: JSONValue
        do throws(WebhookCallError) {
            answer = try await post(review, client)
        } catch {
            throw .internalError("conversion webhook for \(kind) failed: \(error.description)")
        }
        let converted = try Self.objects(of: answer, version: version, uid: uid, kind)
        guard converted.count == sent.count else {
            throw .internalError(
                "conversion webhook for \(kind) returned \(converted.count) objects, expected \(sent.count)")
        }
        var result = objects
        for (index, object) in zip(sent, converted) {
            do throws(Malformed) {
                result[index] = try Self.checked(object, from: objects[index], apiVersion)
            } catch {
                let place = objects.count == 1 ? "object" : "converted object at index \(index)"
                throw .internalError("conversion webhook for \(kind) returned invalid \(place): \(error.text)")
            }
        }
        return result
    }

    private struct Malformed: Error {
        let text: String
    }

    private static func kind(of object: JSONValue) -> String {
        "\(object["apiVersion"]?.stringValue ?? ""), Kind=\(object["kind"]?.stringValue ?? "")"
    }

    private static func objects(of answer: JSONValue, version: String, uid: String, _ kind: String) throws(APIError)
        -> [JSONValue]
    {
        func failed(_ why: String) -> APIError { .internalError("conversion webhook for \(kind) failed: \(why)") }
        if version == "v1" {
            let found = Self.kind(of: answer)
            let expected = "apiextensions.k8s.io/v1, Kind=ConversionReview"
            guard found == expected else { throw failed("expected webhook response of \(expected), got \(found)") }
        }
        guard let response = answer["response"]?.objectValue else { throw failed("no response provided") }
        if version == "v1" {
            let own = response[string: "uid"]
            guard own == uid else { throw failed("expected response.uid=\"\(uid)\", got \"\(own)\"") }
        }
        let status = response["result"]?["status"]?.stringValue ?? ""
        guard status == "Success" else {
            let message = response["result"]?["message"]?.stringValue ?? ""
            throw failed(message.isEmpty ? "response.result.status was '\(status)', not 'Success'" : message)
        }
        return response[array: "convertedObjects"]
    }

    /// A converted object with the metadata that it had: a webhook may change labels and annotations, nothing else.
    private static func checked(_ converted: JSONValue, from original: JSONValue, _ apiVersion: String)
        throws(Malformed)
        -> JSONValue
    {
        let version = converted["apiVersion"]?.stringValue ?? ""
        guard version == apiVersion else {
            throw Malformed(text: "invalid groupVersion (expected \(apiVersion), received \(version))")
        }
        let kinds = (original["kind"]?.stringValue ?? "", converted["kind"]?.stringValue ?? "")
        guard kinds.0 == kinds.1 else {
            throw Malformed(text: "invalid kind (expected \(kinds.0), received \(kinds.1))")
        }
        guard let metadata = converted["metadata"] else {
            throw Malformed(text: "missing metadata in converted object")
        }
        guard let given = metadata.objectValue else {
            throw Malformed(
                text: "invalid metadata of type \(GoText.type(of: metadata)) in converted object")
        }
        for (name, left, right) in [
            ("name", original.name, converted.name), ("namespace", original.namespace, converted.namespace),
            ("UID", original.uid, converted.uid),
        ] where left != right {
            throw Malformed(text: "must have the same \(name): \(left) != \(right)")
        }
        var restored = original["metadata"]?.objectValue ?? JSONObject()
        for field in ["labels", "annotations"] {
            guard let value = given[field], !value.isNull else {
                restored[field] = nil
                continue
            }
            guard let entries = value.objectValue else {
                throw Malformed(
                    text:
                        "invalid metadata.\(field) of type \(GoText.type(of: value)) in converted object")
            }
            for (key, entry) in entries {
                guard let text = entry.stringValue else {
                    throw Malformed(
                        text: "metadata.\(field)[\(key)] must be a string, but is "
                            + "\(GoText.type(of: entry)) in converted object")
                }
                if let problem = Names.qualifiedNameProblem(key)
                    ?? (field == "labels" ? Names.labelValueProblem(text) : nil), restored[field] != value
                {
                    let quoted = JSONWriter.text(of: .string(key))
                    throw Malformed(text: "metadata.\(field): Invalid value: \(quoted): \(problem)")
                }
            }
            restored[field] = value
        }
        var result = converted
        result["metadata"] = .object(restored)
        return result
    }
}
