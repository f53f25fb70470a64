import APISchema
import JSON
import KubeTypes
import Storage
import Testing

@testable import APIServer

private func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    var bytes: [UInt8] = []
    var index = digits.startIndex
    while index < digits.endIndex {
        let next = digits.index(index, offsetBy: 2)
        bytes.append(UInt8(digits[index..<next], radix: 16) ?? 0)
        index = next
    }
    return bytes
}

/// A key of so many bytes, all the same, in base64.
private func secret(_ byte: UInt8, _ count: Int = 32) -> String {
    Base64.encode([UInt8](repeating: byte, count: count))
}

private func configuration(_ providers: String, resources: String = "secrets") throws -> EncryptionConfiguration {
    try EncryptionConfiguration(
        Array(
            """
            apiVersion: apiserver.config.k8s.io/v1
            kind: EncryptionConfiguration
            resources:
              - resources: [\(resources)]
                providers: [\(providers)]
            """.utf8))
}

private func keys(_ provider: String, _ keys: (String, UInt8)...) -> String {
    "{\(provider): {keys: [" + keys.map { "{name: \($0.0), secret: \(secret($0.1))}" }.joined(separator: ", ") + "]}}"
}

@Suite struct SecretBoxTests {
    /// The vectors of "Cryptography in NaCl" (D. J. Bernstein), sections 8 to 10.
    private let shared = hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    private let nonce = hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    private let message = hex(
        """
        be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4
        1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52
        f0a089bc76897040e082f937763848645e0705
        """)
    private let box = hex(
        """
        f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b
        4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da
        99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5
        """)

    @Test func sealsAndOpensWhatNaClDoes() {
        #expect(SecretBox.seal(message, key: shared, nonce: nonce[...]) == box)
        #expect(SecretBox.open(box[...], key: shared, nonce: nonce[...]) == message)
    }

    @Test func derivesNaClsKey() {
        let second = hex("dc908dda0b9344a953629b733820778880f3ceb421bb61b91cbd4c3e66256ce4")
        #expect(Salsa20.hsalsa20(key: shared, input: nonce[..<16]) == second)
    }

    /// RFC 8439, 2.5.2.
    @Test func tagsAsPoly1305() {
        let key = hex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
        let text = Array("Cryptographic Forum Research Group".utf8)
        #expect(Poly1305.tag(text[...], key: key) == hex("a8061dc1305136c6c22b8baf0c0127a9"))
    }

    /// RFC 8439, A.3: the corners of the arithmetic.
    @Test(arguments: [
        (
            "02" + String(repeating: "00", count: 31), String(repeating: "ff", count: 16),
            "03" + String(repeating: "00", count: 15)
        ),
        (
            "02" + String(repeating: "00", count: 15) + String(repeating: "ff", count: 16),
            "02" + String(repeating: "00", count: 15), "03" + String(repeating: "00", count: 15)
        ),
        (
            "01" + String(repeating: "00", count: 31),
            String(repeating: "ff", count: 16) + "f0" + String(repeating: "ff", count: 15) + "11"
                + String(repeating: "00", count: 15), "05" + String(repeating: "00", count: 15)
        ),
        (
            "01" + String(repeating: "00", count: 31),
            String(repeating: "ff", count: 16) + "fb" + String(repeating: "fe", count: 15)
                + String(repeating: "01", count: 16), String(repeating: "00", count: 16)
        ),
        (
            "02" + String(repeating: "00", count: 31), "fd" + String(repeating: "ff", count: 15),
            "fa" + String(repeating: "ff", count: 15)
        ),
    ])
    func tagsInTheCorners(_ key: String, _ text: String, _ tag: String) {
        #expect(Poly1305.tag(hex(text)[...], key: hex(key)) == hex(tag))
    }

    @Test func refusesWhatWasChanged() {
        for index in [0, 15, 16, box.count - 1] {
            var changed = box
            changed[index] ^= 1
            #expect(SecretBox.open(changed[...], key: shared, nonce: nonce[...]) == nil)
        }
        #expect(SecretBox.open(box[..<8], key: shared, nonce: nonce[...]) == nil)
    }
}

@Suite struct EncryptionTests {
    @Test(arguments: ["aescbc", "aesgcm", "secretbox"])
    func roundTrips(_ provider: String) throws {
        let transformer = try #require(
            try configuration(keys(provider, ("k1", 1))).transformer(group: "", resource: "secrets"))
        for size in [0, 1, 15, 16, 17, 63, 64, 65, 1000] {
            let value = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            let stored = try transformer.encrypt(value, context: "/registry/core/secrets/a/b")
            #expect(stored.starts(with: Array("k8s:enc:\(provider):v1:k1:".utf8)))
            let again = try transformer.encrypt(value, context: "/registry/core/secrets/a/b")
            #expect(again != stored)
            let read = try transformer.decrypt(stored, context: "/registry/core/secrets/a/b")
            #expect(read.value == value)
            #expect(!read.isStale)
        }
    }

    @Test func bindsValuesToTheirPlace() throws {
        let transformer = try #require(
            try configuration(keys("aesgcm", ("k1", 1))).transformer(group: "", resource: "secrets"))
        let stored = try transformer.encrypt([1, 2, 3], context: "/here")
        #expect(throws: EncryptionError.self) { try transformer.decrypt(stored, context: "/there") }
    }

    @Test func readsWithOldKeysAndSaysSo() throws {
        let old = try #require(
            try configuration(keys("aescbc", ("k1", 1)) + ", {identity: {}}").transformer(
                group: "", resource: "secrets"))
        let new = try #require(
            try configuration(
                keys("secretbox", ("k2", 2)) + ", " + keys("aescbc", ("k3", 3), ("k1", 1)) + ", {identity: {}}"
            )
            .transformer(group: "", resource: "secrets"))
        let stored = try old.encrypt([7], context: "x")
        #expect(try new.decrypt(stored, context: "x").value == [7])
        #expect(try new.decrypt(stored, context: "x").isStale)
        #expect(try new.decrypt([7], context: "x").isStale)
        let lost = try #require(
            try configuration(keys("aescbc", ("k9", 9))).transformer(group: "", resource: "secrets"))
        #expect(throws: EncryptionError.self) { try lost.decrypt(stored, context: "x") }
        let plain = try #require(
            try configuration("{identity: {}}").transformer(group: "", resource: "secrets"))
        #expect(throws: EncryptionError.self) { try plain.decrypt(stored, context: "x") }
    }

    @Test func knowsResources() throws {
        let all = try configuration(keys("aesgcm", ("k", 1)), resources: "\"*.*\"")
        #expect(all.transformer(group: "apps", resource: "deployments") != nil)
        let core = try configuration(keys("aesgcm", ("k", 1)), resources: "\"*.\"")
        #expect(core.transformer(group: "", resource: "pods") != nil)
        #expect(core.transformer(group: "apps", resource: "deployments") == nil)
        let some = try configuration(keys("aesgcm", ("k", 1)), resources: "secrets, deployments.apps, \"*.batch\"")
        for (group, resource, covered) in [
            ("", "secrets", true), ("", "configmaps", false), ("apps", "deployments", true), ("batch", "jobs", true),
            ("apps", "replicasets", false), ("example.com", "secrets", false),
        ] {
            #expect((some.transformer(group: group, resource: resource) != nil) == covered, "\(resource).\(group)")
        }
    }

    @Test(arguments: [
        ("{aescbc: {keys: []}}", "keys: Required value"), ("{kms: {name: x}}", "not supported"),
        ("{aescbc: {keys: [{name: a, secret: YWJj}]}}", "not of the expected length, got 3"),
        ("{aescbc: {keys: [{name: a, secret: '!'}]}}", "must be base64 encoded"),
        ("{secretbox: {keys: [{name: a, secret: \(secret(1, 16))}]}}", "expected one of [32]"),
        ("{aescbc: {keys: [{name: 'a:b', secret: \(secret(1))}]}}", "name: Invalid value"),
        (keys("aesgcm", ("a", 1), ("a", 2)), "Duplicate value"), ("", "providers: Required value"),
    ])
    func refusesWhatMakesNoSense(_ providers: String, _ message: String) {
        do {
            _ = try configuration(providers)
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains(message), "\(error)")
            #expect(!"\(error)".contains(secret(1)))
        }
    }

    private static func secretObject(_ name: String) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Secret", "metadata": ["name": .string(name)],
            "stringData": ["a": "plain-text-here"],
        ]
    }

    /// Values under the store, as a thief of the disk would find them.
    private static func values(_ store: any Store) async throws -> [String] {
        try await store.range(prefix: "/registry/core/secrets/", start: nil, limit: 0, at: nil).keyValues
            .map { String(decoding: $0.value, as: UTF8.self) }
    }

    @Test func hidesSecretsAndRotates() async throws {
        let disk = MemoryStore()
        let first = try ControlPlane.server(
            EncryptedStore(disk, try configuration(keys("aescbc", ("k1", 1)) + ", {identity: {}}")))
        try await first.start()
        let path = "/api/v1/namespaces/default/secrets"
        var plane = ControlPlane(server: first, store: disk)
        let watch = plane.begin(.GET, "\(path)?watch=1")
        #expect(await plane.call(.POST, path, Self.secretObject("s")).status == 201)
        #expect(await watch.events(1).text.contains("cGxhaW4tdGV4dC1oZXJl"))
        watch.close()
        #expect(await plane.call(.GET, "\(path)/s").json[path: "data", "a"] == "cGxhaW4tdGV4dC1oZXJl")
        for value in try await Self.values(disk) {
            #expect(value.hasPrefix("k8s:enc:aescbc:v1:k1:"))
            #expect(!value.contains("cGxhaW4tdGV4dC1oZXJl"))
        }
        first.stop()

        // Another key first: what is there is read, and written anew by an update that changes nothing.
        let second = try ControlPlane.server(
            EncryptedStore(disk, try configuration(keys("secretbox", ("k2", 2)) + ", " + keys("aescbc", ("k1", 1)))))
        try await second.start()
        plane = ControlPlane(server: second, store: disk)
        let object = await plane.call(.GET, "\(path)/s").json
        let before = object.resourceVersion
        let put = await plane.call(.PUT, "\(path)/s", object)
        #expect(put.status == 200, "\(put.text)")
        #expect(put.json.resourceVersion != before)
        for value in try await Self.values(disk) { #expect(value.hasPrefix("k8s:enc:secretbox:v1:k2:")) }
        // Now it is as it should be: the same again is no change.
        let again = await plane.call(.PUT, "\(path)/s", put.json)
        #expect(again.json.resourceVersion == put.json.resourceVersion)
        second.stop()

        let lost = try ControlPlane.server(
            EncryptedStore(disk, try configuration(keys("aesgcm", ("k3", 3)))))
        await #expect(throws: (any Error).self) { try await lost.start() }
        lost.stop()
    }
}
