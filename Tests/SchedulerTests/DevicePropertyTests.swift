// Whatever devices, claims and pods there are: no device is given twice, and a pod is refused only if nothing fits.
import JSON
import KubeTypes
import Testing

@testable import Scheduler

@Suite struct DevicePropertyTests {
    /// A claim of one request, small enough that all ways to meet it can be listed.
    private struct Wish {
        let count: Int
        let least: Int
        let same: Bool
        var spec: String {
            let selector = cel("device.attributes[\"\(testDriver)\"].memory >= \(least)")
            let constraint = same ? ", \"constraints\": [{\"matchAttribute\": \"\(testDriver)/group\"}]" : ""
            return
                "\"requests\": [\(request("r", "\"allocationMode\": \"ExactCount\", \"count\": \(count), \(selector)"))]"
                + constraint
        }
    }

    private struct Item {
        let id: DeviceID
        let memory: Int
        let group: Int
    }

    /// Whether all wishes can be met together from what is there, by trying everything.
    private func canMeet(_ wishes: ArraySlice<Wish>, _ items: [Item]) -> Bool {
        guard let wish = wishes.first else { return true }
        func choose(_ start: Int, _ chosen: [Int]) -> Bool {
            if chosen.count == wish.count {
                let left = items.indices.filter { !chosen.contains($0) }.map { items[$0] }
                return canMeet(wishes.dropFirst(), left)
            }
            for index in start..<max(start, items.count) where items[index].memory >= wish.least {
                if wish.same, let first = chosen.first, items[first].group != items[index].group { continue }
                if choose(index + 1, chosen + [index]) { return true }
            }
            return false
        }
        return choose(0, [])
    }

    @Test(arguments: 1...12) func devicesAreGivenOnceAndFound(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &* 7919)
        var core = SchedulerCore(seed: seed)
        var time = ContinuousClock.now
        core.deviceClassChanged(makeClass("gpu"), now: time)
        var items: [String: [Item]] = [:]
        let nodes = (1...3).map { "n\($0)" }
        for node in nodes {
            core.nodeChanged(makeNode(node), now: time)
            let count = Int.random(in: 0...4, using: &random)
            let devices = (0..<count).map { _ in
                (Int.random(in: 1...3, using: &random), Int.random(in: 1...2, using: &random))
            }
            items[node] = devices.enumerated().map { index, device in
                Item(
                    id: DeviceID(driver: testDriver, pool: node, name: "d\(index)"), memory: device.0, group: device.1)
            }
            guard count > 0 else { continue }
            let slice = makeSlice(
                "s-\(node)", node: node,
                devices: devices.map {
                    "\"attributes\": {\"memory\": {\"int\": \($0.0)}, \"group\": {\"int\": \($0.1)}}"
                })
            core.resourceSliceChanged(SliceInfo(slice), now: time)
        }
        var held: [String: [DeviceID]] = [:]
        var revision = 10
        for number in 0..<40 {
            // A claim that nobody needs any more.
            if !held.isEmpty, Int.random(in: 0..<3, using: &random) == 0,
                let name = held.keys.sorted().randomElement(using: &random)
            {
                held[name] = nil
                core.deviceClaimDeleted(ObjectKey(namespace: "default", name: name), now: time)
            }
            let wishes = (0..<Int.random(in: 1...2, using: &random)).map { _ in
                Wish(
                    count: Int.random(in: 1...2, using: &random), least: Int.random(in: 1...3, using: &random),
                    same: Bool.random(using: &random))
            }
            var names: [String] = []
            for (index, wish) in wishes.enumerated() {
                names.append("c\(number)-\(index)")
                revision += 1
                core.deviceClaimChanged(
                    DeviceClaimInfo(makeClaim(names[index], wish.spec, revision: revision)), now: time)
            }
            let list = names.map { "{\"name\": \"\($0)\", \"resourceClaimName\": \"\($0)\"}" }
            let pod = PodInfo(
                makePod("p\(number)", spec: "{\"resourceClaims\": [\(list.joined(separator: ", "))]}"))
            core.podChanged(pod, now: time)
            let taken = Set(held.values.joined())
            let possible = nodes.contains { node in
                canMeet(wishes[...], (items[node] ?? []).filter { !taken.contains($0.id) })
            }
            switch core.step(now: time) {
            case .bind(_, let plan):
                #expect(possible)
                #expect(plan.devices.steps.count == wishes.count)
                for (step, wish) in zip(plan.devices.steps, wishes) {
                    let allocation = try #require(step.allocation)
                    let ids = allocation.devices.map(\.id)
                    #expect(ids.count == wish.count)
                    for id in ids {
                        #expect(id.pool == plan.node)
                        #expect(!Set(held.values.joined()).contains(id), "\(id) is given twice")
                        let item = try #require(items[plan.node]?.first { $0.id == id })
                        #expect(item.memory >= wish.least)
                    }
                    held[step.claim.key.name] = ids
                    // Some are written at once, others are still on their way when the next pod comes.
                    guard Bool.random(using: &random) else { continue }
                    var claim = step.claim.object
                    revision += 1
                    claim.metadata.resourceVersion = String(revision)
                    claim.json["status"] = ["allocation": .object(allocation.json)]
                    core.deviceClaimChanged(DeviceClaimInfo(claim), now: time)
                }
            case .refused(_, let diagnosis, _, _):
                #expect(!possible, "\(diagnosis.message)")
                core.podDeleted(pod, now: time)
                for name in names { core.deviceClaimDeleted(ObjectKey(namespace: "default", name: name), now: time) }
            case .idle, .failed: Issue.record("pod \(number) is not decided about")
            }
            time += .seconds(30)
        }
    }
}
