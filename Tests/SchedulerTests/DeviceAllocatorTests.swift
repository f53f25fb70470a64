// Which devices claims get on a node.
import JSON
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct DeviceAllocatorTests {
    private func attribute(_ value: Int) -> String { "\"attributes\": {\"memory\": {\"int\": \(value)}}" }
    private func requests(_ list: String...) -> String { "\"requests\": [\(list.joined(separator: ", "))]" }

    @Test func requestsAndSelectors() {
        let pool = makeSlice("pool", attribute(10), attribute(20), attribute(30), "")
        let has = "\"memory\" in device.attributes[\"\(testDriver)\"]"
        let memory = "device.attributes[\"\(testDriver)\"].memory"
        let table: [(String, String)] = [
            (requests(request()), "r=d0"),
            (requests(request("a"), request("b")), "a=d0 b=d1"),
            (requests(request("a", "\"count\": 3, \"allocationMode\": \"ExactCount\"")), "a=d0,d1,d2"),
            (requests(request("a", "\"count\": 5, \"allocationMode\": \"ExactCount\"")), "none"),
            (requests(request("a", "\"allocationMode\": \"All\"")), "a=d0,d1,d2,d3"),
            (requests(request("a", cel("\(has) && \(memory) > 15"))), "a=d1"),
            (requests(request("a", cel("device.driver == \"other\""))), "none"),
            // What is asked for first must leave what the second needs.
            (requests(request("a"), request("b", cel("\(has) && \(memory) == 10"))), "a=d1 b=d0"),
            (requests(request("a", "\"allocationMode\": \"All\", " + cel("\(has) && \(memory) < 25"))), "a=d0,d1"),
            (requests(request("a", "\"allocationMode\": \"All\", " + cel("false"))), "none"),
            // A device without the attribute: an error, not a no, and for every node.
            (
                requests(request("a", cel("\(memory) > 100"))),
                "everywhere: claim default/c: selector #0: CEL runtime error: no such key: memory"
            ),
            (
                requests(request("a", cel("device.attributes[\"other.example.com\"].memory > 1"))),
                "everywhere: claim default/c: selector #0: CEL runtime error: no such key: memory"
            ),
            (
                requests("{\"name\": \"a\", \"exactly\": {\"deviceClassName\": \"no\"}}"),
                "everywhere: claim default/c, request a: could not retrieve device class no: "
                    + "deviceclass.resource.k8s.io \"no\" not found"
            ),
            (
                requests(request("a", "\"count\": 33, \"allocationMode\": \"ExactCount\"")),
                "everywhere: claim default/c: number of requested devices 33 exceeds the claim limit of 32"
            ),
        ]
        for (spec, expected) in table {
            #expect(allocate([makeClaim("c", spec)], deviceState([pool])).text == expected, "\(spec)")
        }
    }

    @Test func classesSelectToo() {
        let pool = makeSlice("pool", attribute(10), attribute(20))
        let large = makeClass(
            "gpu", "{\(cel("device.attributes[\"\(testDriver)\"].memory > 15"))}")
        let bad = makeClass("gpu", "{\(cel("device.nothing"))}")
        #expect(allocate([makeClaim("c", requests(request()))], deviceState([pool], [], [large])).text == "r=d1")
        let text = allocate([makeClaim("c", requests(request()))], deviceState([pool], [], [bad])).text
        #expect(text.hasPrefix("everywhere: class gpu: selector #0: CEL compile error: compilation failed: "))
    }

    @Test func capacityAndVersionsInSelectors() {
        let pool = makeSlice(
            "pool",
            """
            "capacity": {"memory": {"value": "8Gi"}}, "attributes": {"driverVersion": {"version": "1.2.3"},
            "model.example.org/name": {"string": "small"}}
            """,
            """
            "capacity": {"memory": {"value": "16Gi"}}, "attributes": {"driverVersion": {"version": "1.10.0"},
            "model.example.org/name": {"string": "large"}}
            """)
        let table: [(String, String)] = [
            ("device.capacity[\"\(testDriver)\"].memory.compareTo(quantity(\"10Gi\")) >= 0", "r=d1"),
            ("device.attributes[\"\(testDriver)\"].driverVersion.isGreaterThan(semver(\"1.3.0\"))", "r=d1"),
            ("device.attributes[\"model.example.org\"].name == \"small\"", "r=d0"),
            ("\"model.example.org\" in device.attributes && !(\"x.example.org\" in device.attributes)", "r=d0"),
            ("device.attributes[\"x.example.org\"].?name.orValue(\"large\") == \"small\"", "none"),
            ("cel.bind(own, device.attributes[\"model.example.org\"], own.name.startsWith(\"l\"))", "r=d1"),
            ("device.allowMultipleAllocations", "none"),
        ]
        for (text, expected) in table {
            let claim = makeClaim("c", requests(request("r", cel(text))))
            #expect(allocate([claim], deviceState([pool])).text == expected, "\(text)")
        }
    }

    @Test func alternativesAreTriedInOrder() {
        func alternative(_ name: String, _ more: String) -> String {
            "{\"name\": \"\(name)\", \"deviceClassName\": \"gpu\", \(more)}"
        }
        let memory = "device.attributes[\"\(testDriver)\"].memory"
        let first = """
            {"name": "r", "firstAvailable": [\(alternative("large", cel("\(memory) > 15"))),
             \(alternative("two", cel("\(memory) < 15") + ", \"count\": 2, \"allocationMode\": \"ExactCount\""))]}
            """
        let config = """
            "config": [{"requests": ["r/two"], "opaque": {"driver": "x", "parameters": {"a": 1}}},
             {"requests": ["r/large"], "opaque": {"driver": "x", "parameters": {"a": 2}}},
             {"requests": ["r"], "opaque": {"driver": "x", "parameters": {"a": 3}}},
             {"opaque": {"driver": "x", "parameters": {"a": 4}}}]
            """
        func values(_ allocation: DeviceAllocation?) -> [Int] {
            (allocation?.json["devices"]?["config"]?.arrayValue ?? []).compactMap {
                $0[path: "opaque", "parameters", "a"]?.intValue
            }
        }
        let claim = makeClaim("c", "\(requests(first)), \(config)")
        let rich = allocate([claim], deviceState([makeSlice("pool", attribute(10), attribute(10), attribute(20))]))
        #expect(rich.text == "r/large=d2")
        #expect(values(rich.allocations.first) == [2, 3, 4])
        let poor = allocate([claim], deviceState([makeSlice("pool", attribute(10), attribute(10))]))
        #expect(poor.text == "r/two=d0,d1")
        #expect(values(poor.allocations.first) == [1, 3, 4])
        #expect(allocate([claim], deviceState([makeSlice("pool", attribute(10))])).text == "none")
        // Too many for the first alternative is no end to the others.
        let many = """
            {"name": "r", "firstAvailable": [
             \(alternative("most", "\"count\": 30, \"allocationMode\": \"ExactCount\"")),
             \(alternative("one", "\"count\": 1, \"allocationMode\": \"ExactCount\""))]}
            """
        let slice = makeSlice("pool", names: (0..<40).map { "d\($0)" }, devices: Array(repeating: "", count: 40))
        let both = makeClaim("c", requests(request("a", "\"count\": 10, \"allocationMode\": \"ExactCount\""), many))
        #expect(allocate([both], deviceState([slice])).text.hasSuffix("r/one=d10"))
    }

    @Test func constraints() {
        func device(_ numa: Int, _ model: String) -> String {
            "\"attributes\": {\"numa\": {\"int\": \(numa)}, \"model\": {\"string\": \"\(model)\"}}"
        }
        let pool = makeSlice("pool", device(0, "a"), device(1, "a"), device(1, "b"), "")
        func claim(_ constraint: String) -> DeviceClaim {
            makeClaim("c", requests(request("a"), request("b")) + ", \"constraints\": [\(constraint)]")
        }
        let table: [(String, String)] = [
            ("{\"matchAttribute\": \"\(testDriver)/numa\"}", "a=d1 b=d2"),
            ("{\"matchAttribute\": \"\(testDriver)/model\"}", "a=d0 b=d1"),
            ("{\"distinctAttribute\": \"\(testDriver)/model\"}", "a=d0 b=d2"),
            ("{\"matchAttribute\": \"\(testDriver)/numa\", \"requests\": [\"a\"]}", "a=d0 b=d1"),
            ("{\"matchAttribute\": \"other.example.com/numa\"}", "none"),
            (
                "{\"matchAttribute\": \"\(testDriver)/numa\"}, {\"matchAttribute\": \"\(testDriver)/model\"}", "none"
            ),
        ]
        for (constraint, expected) in table {
            #expect(allocate([claim(constraint)], deviceState([pool])).text == expected, "\(constraint)")
        }
    }

    @Test func whatOthersHaveAndAdministratorsSee() {
        let pool = makeSlice("pool", "", "")
        let other = makeClaim("other", "", status: allocated("d0"))
        let state = deviceState([pool], [other])
        #expect(allocate([makeClaim("c", requests(request()))], state).text == "r=d1")
        let two = [makeClaim("a", requests(request())), makeClaim("b", requests(request()))]
        #expect(allocate(two, state).text == "none")
        #expect(allocate(two, deviceState([pool])).text == "r=d0; r=d1")
        let admin = makeClaim("c", requests(request("r", "\"adminAccess\": true, \"allocationMode\": \"All\"")))
        let seen = allocate([admin], state)
        #expect(seen.text == "r=d0,d1")
        #expect(seen.allocations.first?.devices.allSatisfy(\.hasAdminAccess) == true)
        // What an administrator sees is not taken.
        var watched = state
        _ = watched.set(
            DeviceClaimInfo(
                makeClaim(
                    "seen", "",
                    status: """
                        {"allocation": {"devices": {"results": [{"request": "r", "driver": "\(testDriver)",
                         "pool": "pool", "device": "d1", "adminAccess": true}]}}}
                        """)))
        #expect(allocate([makeClaim("c", requests(request()))], watched).text == "r=d1")
    }

    @Test func poolsAreUsedOnlyWhole() {
        let claim = makeClaim("c", requests(request()))
        let all = makeClaim("c", requests(request("r", "\"allocationMode\": \"All\"")))
        let half = makeSlice("s1", pool: "pool", count: 2, "")
        #expect(allocate([claim], deviceState([half])).text == "none")
        #expect(
            allocate([all], deviceState([half])).text
                == "everywhere: claim default/c, request r: asks for all devices, but resource pool "
                + "\(testDriver)/pool is currently being updated")
        let rest = makeSlice("s2", pool: "pool", count: 2, names: ["e0"], "")
        #expect(allocate([all], deviceState([half, rest])).text == "r=d0,e0")
        // A newer generation makes the older ones void, also where it has nothing for the node.
        let newer = makeSlice("s3", pool: "pool", generation: 2, names: ["f0"], "")
        #expect(allocate([all], deviceState([half, rest, newer])).text == "r=f0")
        let elsewhere = makeSlice("s3", node: "n2", pool: "pool", generation: 2, names: ["f0"], "")
        #expect(allocate([claim], deviceState([half, rest, elsewhere])).text == "none")
        // The other half may be on another node.
        let far = makeSlice("s2", node: "n2", pool: "pool", count: 2, names: ["e0"], "")
        #expect(allocate([all], deviceState([half, far])).text == "r=d0")
        let double = makeSlice("s2", pool: "pool", count: 2, "")
        #expect(allocate([claim], deviceState([half, double])).text == "node: invalid resource pools were encountered")
        // A pool that is wrong does not spoil another.
        #expect(allocate([claim], deviceState([half, double, makeSlice("z", names: ["z0"], "")])).text == "r=z0")
    }

    @Test func nodesOfSlicesAndResults() {
        func selector(_ zone: String) -> String {
            """
            "nodeSelector": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "zone", "operator": "In", "values": ["\(zone)"]}]}]}
            """
        }
        let claim = makeClaim("c", requests(request()))
        func nodes(_ slice: ResourceSlice) -> (String, JSONValue?) {
            let (text, found) = allocate([claim], deviceState([slice]), labels: ["zone": "a"])
            return (text, found.first?.json["nodeSelector"])
        }
        #expect(nodes(makeSlice("s", node: "n2", "")).0 == "none")
        #expect(nodes(makeSlice("s", scope: selector("b"), "")).0 == "none")
        #expect(nodes(makeSlice("s", "")) == ("r=d0", nil))
        let zone = nodes(makeSlice("s", scope: selector("a"), ""))
        #expect(zone.1?["nodeSelectorTerms"]?[0]?["matchExpressions"]?[0]?["key"] == "zone")
        let own = nodes(makeSlice("s", node: "n1", ""))
        #expect(own.1?["nodeSelectorTerms"]?[0]?["matchFields"]?[0]?["values"] == ["n1"])
        let each = makeSlice(
            "s", scope: "\"perDeviceNodeSelection\": true", "\"nodeName\": \"n2\"", selector("a"),
            "\"allNodes\": true, \"bindsToNode\": true")
        let chosen = nodes(each)
        #expect(chosen.0 == "r=d1")
        #expect(chosen.1?["nodeSelectorTerms"]?[0]?["matchExpressions"]?[0]?["values"] == ["a"])
        let bound = allocate([claim], deviceState([each]))
        #expect(bound.text == "r=d2")
        #expect(
            bound.allocations.first?.json["nodeSelector"]?["nodeSelectorTerms"]?[0]?["matchFields"]?[0]?["values"]
                == ["n1"])
    }

    @Test func taintsMustBeTolerated() {
        func taint(_ effect: String) -> String {
            "\"taints\": [{\"key\": \"k\", \"value\": \"v\", \"effect\": \"\(effect)\"}]"
        }
        let pool = makeSlice("pool", taint("NoSchedule"), taint("NoExecute"), taint("None"))
        func tolerating(_ toleration: String) -> String {
            allocate(
                [
                    makeClaim(
                        "c", requests(request("r", "\"allocationMode\": \"ExactCount\", \"count\": 1\(toleration)")))
                ],
                deviceState([pool])
            ).text
        }
        #expect(tolerating("") == "r=d2")
        #expect(tolerating(", \"tolerations\": [{\"key\": \"k\", \"operator\": \"Exists\"}]") == "r=d0")
        #expect(tolerating(", \"tolerations\": [{\"operator\": \"Exists\", \"effect\": \"NoExecute\"}]") == "r=d1")
        #expect(
            tolerating(", \"tolerations\": [{\"key\": \"k\", \"operator\": \"Equal\", \"value\": \"w\"}]") == "r=d2")
    }

    @Test func countersAreShared() {
        func device(_ amount: String) -> String {
            """
            "consumesCounters": [{"counterSet": "set", "counters": {"memory": {"value": "\(amount)"}}}]
            """
        }
        let counters = makeSlice(
            "counters", pool: "pool", count: 2,
            more: """
                "sharedCounters": [{"name": "set", "counters": {"memory": {"value": "10Gi"}}}]
                """)
        let devices = makeSlice(
            "devices", pool: "pool", count: 2, names: ["whole", "half-a", "half-b", "rest"], device("10Gi"),
            device("5Gi"), device("5Gi"), device("1Gi"))
        let state = deviceState([counters, devices])
        let two = makeClaim("c", requests(request("r", "\"count\": 2, \"allocationMode\": \"ExactCount\"")))
        #expect(allocate([two], state).text == "r=half-a,half-b")
        let three = makeClaim("c", requests(request("r", "\"count\": 3, \"allocationMode\": \"ExactCount\"")))
        #expect(allocate([three], state).text == "none")
        var used = state
        _ = used.set(DeviceClaimInfo(makeClaim("other", "", status: allocated("half-b"))))
        #expect(allocate([makeClaim("c", requests(request()))], used).text == "r=half-a")
        #expect(allocate([two], used).text == "none")
        let wrong = makeSlice(
            "devices", pool: "pool", count: 2,
            "\"consumesCounters\": [{\"counterSet\": \"no\", \"counters\": {\"memory\": {\"value\": \"1\"}}}]")
        #expect(
            allocate([makeClaim("c", requests(request()))], deviceState([counters, wrong])).text
                == "node: invalid resource pools were encountered")
    }

    @Test func partsOfADevice() {
        let pool = makeSlice(
            "pool",
            """
            "allowMultipleAllocations": true, "capacity": {"memory": {"value": "10Gi", "requestPolicy":
             {"default": "1Gi", "validRange": {"min": "1Gi", "step": "1Gi", "max": "8Gi"}}}}
            """)
        func claim(_ name: String, _ amount: String?) -> DeviceClaim {
            let capacity = amount.map { "\"capacity\": {\"requests\": {\"memory\": \"\($0)\"}}" } ?? ""
            return makeClaim(name, requests(request("r", capacity)))
        }
        func consumed(_ amount: String?) -> String? {
            let found = allocate([claim("c", amount)], deviceState([pool])).allocations.first
            return found?.json["devices"]?["results"]?[0]?[path: "consumedCapacity", "memory"]?.stringValue
        }
        #expect(consumed(nil) == "1Gi")
        #expect(consumed("1") == "1Gi")
        #expect(consumed("2500Mi") == "3Gi")
        #expect(consumed("9Gi") == nil)
        let state = deviceState([pool])
        #expect(allocate([claim("a", "5Gi"), claim("b", "5Gi")], state).text == "r=d0; r=d0")
        #expect(allocate([claim("a", "5Gi"), claim("b", "6Gi")], state).text == "none")
        var used = state
        _ = used.set(
            DeviceClaimInfo(
                makeClaim(
                    "other", "",
                    status: """
                        {"allocation": {"devices": {"results": [{"request": "r", "driver": "\(testDriver)", "shareID": "x",
                         "pool": "pool", "device": "d0", "consumedCapacity": {"memory": "7Gi"}}]}}}
                        """)))
        #expect(allocate([claim("a", "3Gi")], used).text == "r=d0")
        #expect(allocate([claim("a", "4Gi")], used).text == "none")
    }

    @Test func aSearchEndsInTime() {
        // Pairs of which none go together: without a limit the search would try them all.
        let slice = makeSlice(
            "pool", names: (0..<24).map { "d\($0)" },
            devices: (0..<24).map { "\"attributes\": {\"x\": {\"int\": \($0 / 11)}}" })
        let claim = makeClaim(
            "c",
            requests(request("r", "\"count\": 12, \"allocationMode\": \"ExactCount\""))
                + ", \"constraints\": [{\"matchAttribute\": \"\(testDriver)/x\"}]")
        #expect(allocate([claim], deviceState([slice])).text != "r=")
        let wide = makeClaim(
            "c",
            requests(
                request("r", "\"count\": 12, \"allocationMode\": \"ExactCount\""),
                request("s", "\"count\": 13, \"allocationMode\": \"ExactCount\"")))
        #expect(allocate([wide], deviceState([slice])).text == "overdue: node n1: timed out trying to allocate devices")
    }

    @Test func configurationOfClassesComesOnce() throws {
        let gpu = makeClass("gpu", "{\"config\": [{\"opaque\": {\"driver\": \"x\", \"parameters\": {\"a\": 0}}}]}")
        let claim = makeClaim(
            "c",
            requests(request("a"), request("b"))
                + ", \"config\": [{\"requests\": [\"b\"], \"opaque\": {\"driver\": \"x\", \"parameters\": {\"a\": 1}}}]"
        )
        let found = allocate([claim], deviceState([makeSlice("pool", "", "")], [], [gpu])).allocations
        let config = try #require(found.first?.json["devices"]?["config"]?.arrayValue)
        #expect(config.count == 2)
        #expect(config.first?["source"] == "FromClass")
        #expect(config.first?["requests"] == ["a", "b"])
        #expect(config.last?["source"] == "FromClaim")
        #expect(config.last?["requests"] == ["b"])
    }
}
