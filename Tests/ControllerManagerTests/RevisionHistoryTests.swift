import JSON
import KubeTypes
import Testing

@testable import ControllerManager

@Suite struct RevisionHistoryTests {
    private func revision(_ image: String, _ number: Int, collisions: Int = 0) -> ControllerRevision {
        RevisionHistory.make(
            template(image), owner: statefulSet(), revision: number, label: "hash", collisionCount: collisions)
    }

    @Test func templatesAreFoundNumberedAndMade() {
        let one = revision("v1", 1)
        let two = revision("v2", 2)
        let history = RevisionHistory([two, one])
        #expect(history.revisions.map(\.revision) == [1, 2])
        #expect(history.step(to: template("v2")) == .keep(two))
        #expect(history.step(to: template("v1")) == .renumber(one, to: 3))
        #expect(history.step(to: template("v3")) == .create(revision: 3))
        #expect(RevisionHistory([]).step(to: template("v1")) == .create(revision: 1))
    }

    @Test func aRevisionIsThePatchThatBringsItsTemplateBack() {
        let made = revision("v1", 1)
        #expect(made.data?[path: "spec", "template", "$patch"] == "replace")
        #expect(RevisionHistory.template(in: made) == template("v1"))
        #expect(RevisionHistory.template(in: ControllerRevision()) == nil)
        #expect(made.name.hasPrefix("web-"))
        #expect(made.labels["app"] == "web")
        #expect(made.name == "web-\(made.labels["hash"] ?? "")")
        #expect(made.controller?.name == "web")
        #expect(revision("v1", 1, collisions: 1).name != made.name)
    }

    @Test func unusedRevisionsGoOldestFirst() {
        let history = RevisionHistory((1...5).map { revision("v\($0)", $0) })
        func numbers(_ limit: Int, live: Set<Int> = []) -> [Int] {
            history.surplus(limit: limit) { live.contains($0.revision) }.map(\.revision)
        }
        #expect(numbers(10) == [])
        #expect(numbers(2) == [1, 2, 3])
        #expect(numbers(2, live: [1, 5]) == [2])
        #expect(numbers(0, live: [5]) == [1, 2, 3, 4])
        #expect(numbers(-1) == [])
    }

    @Test func writesAreWaitedFor() {
        let horizon = WriteHorizon<String>()
        #expect(horizon.isReached(by: "", for: "a"))
        horizon.wrote("99", for: "a")
        horizon.wrote("12", for: "a")
        #expect(!horizon.isReached(by: "98", for: "a"))
        #expect(!horizon.isReached(by: "", for: "a"))
        #expect(horizon.isReached(by: "100", for: "a"))
        #expect(horizon.isReached(by: "1", for: "a"))
    }
}
