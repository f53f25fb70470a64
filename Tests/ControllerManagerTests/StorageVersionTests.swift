// Storage versions: what is left of them when servers go, and which migration comes first.

import JSON
import KubeTypes
import Testing

@testable import ControllerManager

@Suite struct StorageVersionTests {
    private let now = Time(seconds: 1000)

    private func version(_ records: (server: String, encoding: String)...) -> StorageVersion {
        var version = StorageVersion(name: "apps.deployments")
        version.json["status"] = [
            "storageVersions": .array(
                records.map { ["apiServerID": .string($0.server), "encodingVersion": .string($0.encoding)] })
        ]
        return version
    }

    @Test func recordsOfServersThatLiveStay() throws {
        let both = version((server: "a", encoding: "apps/v1"), (server: "b", encoding: "apps/v2"))
        #expect(!both.isStale(living: ["a", "b", "c"]))
        #expect(both.isStale(living: ["a"]))
        let status = try #require(both.status(living: ["a"], now: now))
        #expect(status["storageVersions"] == [["apiServerID": "a", "encodingVersion": "apps/v1"]])
        #expect(status["commonEncodingVersion"] == "apps/v1")
        #expect(status["conditions"]?[0]?["status"] == "True")
        #expect(both.status(living: [], now: now) == nil)
    }

    @Test func serversThatDifferHaveNothingInCommon() throws {
        let three = version(
            (server: "a", encoding: "apps/v1"), (server: "b", encoding: "apps/v2"), (server: "c", encoding: "apps/v1"))
        let status = try #require(three.status(living: ["a", "b"], now: now))
        #expect(status["commonEncodingVersion"] == nil)
        #expect(status["conditions"]?[0]?["reason"] == "CommonEncodingVersionUnset")
    }

    @Test func aConditionKeepsItsTimeUntilItChanges() throws {
        var first = version((server: "a", encoding: "apps/v1"), (server: "b", encoding: "apps/v1"))
        first.json["status"] = first.status(living: ["a", "b"], now: Time(seconds: 1))
        let second = try #require(first.status(living: ["a"], now: now))
        #expect(second["conditions"]?[0]?["lastTransitionTime"] == Time(seconds: 1).field)
        first.json["status"]?["commonEncodingVersion"] = "apps/v0"
        let third = try #require(first.status(living: ["a"], now: now))
        #expect(third["conditions"]?[0]?["lastTransitionTime"] == now.field)
    }

    @Test func leasesEndWhenNobodyRenewsThem() {
        var lease = Lease(name: "apiserver-x", namespace: "kube-system")
        #expect(StorageVersionCleaner.hasEnded(lease, now: now))
        lease.spec.leaseDurationSeconds = 3600
        lease.spec.renewTime = MicroTime(now)
        #expect(!StorageVersionCleaner.hasEnded(lease, now: Time(seconds: 4600)))
        #expect(StorageVersionCleaner.hasEnded(lease, now: Time(seconds: 4601)))
    }

    private func migration(_ name: String, created: Int64, resource: String = "gatos", runs: Bool = false)
        -> StorageVersionMigration
    {
        var migration = StorageVersionMigration(name: name)
        migration.metadata.creationTimestamp = Time(seconds: created)
        migration.json["spec"] = ["resource": ["group": "example.com", "resource": .string(resource)]]
        if runs { migration.json["status"] = migration.running(upTo: "7", now: now) }
        return migration
    }

    @Test func oneMigrationOfAResourceAtATime() {
        let (old, new) = (migration("b", created: 1), migration("a", created: 2))
        #expect(new.waits(for: old) && !old.waits(for: new))
        #expect(!old.waits(for: old))
        #expect(!new.waits(for: migration("c", created: 0, resource: "perros")))
        // Whichever has begun goes on.
        let running = migration("c", created: 3, runs: true)
        #expect(old.waits(for: running) && !running.waits(for: old))
        var ended = running
        ended.json["status"] = running.ended(.failed, "why", now: now)
        #expect(ended.outcome == .failed && !old.waits(for: ended))
        // Of the same second, by name.
        let twin = migration("z", created: 1)
        #expect(twin.waits(for: old) && !old.waits(for: twin))
    }

    @Test func aDefinitionThatChangedMeanwhileKeepsItsStoredVersions() {
        var definition: JSONValue = [
            "metadata": ["generation": 3],
            "spec": ["versions": [["name": "v1", "storage": false], ["name": "v2", "storage": true]]],
            "status": ["storedVersions": ["v1", "v2"]],
        ]
        definition["status"] = CustomResources.migrating(definition, by: "m", now: now)
        #expect(CustomResources.migrated(definition, succeeded: true, now: now)["storedVersions"] == ["v2"])
        #expect(CustomResources.migrated(definition, succeeded: false, now: now)["storedVersions"] == ["v1", "v2"])
        definition["metadata"]?["generation"] = 4
        let late = CustomResources.migrated(definition, succeeded: true, now: now)
        #expect(late["storedVersions"] == ["v1", "v2"])
        #expect(late["conditions"]?[0]?["status"] == "False")
    }
}
