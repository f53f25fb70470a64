// What becomes of pods on nodes that are not there.
import JSON
import KubeTypes
import Testing

@testable import Simulation

private func pod(_ text: String) throws -> Pod { Pod(try JSONParser.parse(Array(text.utf8))) }

@Suite struct PodLifeTests {
    private func step(_ text: String, _ profile: SimulationProfile = SimulationProfile()) throws -> PodStep? {
        var random = SystemRandomNumberGenerator()
        return PodLife(profile: profile).next(try pod(text), &random)?.step
    }

    @Test func steps() throws {
        var failing = SimulationProfile()
        failing.failing = 1
        var eternal = SimulationProfile()
        eternal.run = nil
        var crashing = SimulationProfile()
        crashing.meanTimeToCrash = 5
        let table: [(String, SimulationProfile, PodStep?)] = [
            ("{}", SimulationProfile(), .start),
            (#"{"status": {"phase": "Pending"}}"#, SimulationProfile(), .start),
            (#"{"status": {"phase": "Running"}}"#, SimulationProfile(), nil),
            (#"{"status": {"phase": "Running"}}"#, crashing, .crash),
            (
                #"{"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}}"#,
                SimulationProfile(), .recover
            ),
            (#"{"spec": {"restartPolicy": "Never"}, "status": {"phase": "Running"}}"#, SimulationProfile(), .succeed),
            (#"{"spec": {"restartPolicy": "Never"}, "status": {"phase": "Running"}}"#, failing, .fail),
            (#"{"spec": {"restartPolicy": "Never"}, "status": {"phase": "Running"}}"#, eternal, nil),
            (#"{"status": {"phase": "Succeeded"}}"#, SimulationProfile(), nil),
            (
                #"{"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Running"}}"#,
                SimulationProfile(), .remove
            ),
        ]
        for (text, profile, expected) in table { #expect(try step(text, profile) == expected, "\(text)") }
    }

    @Test func aDeletionWaitsNoLongerThanItsGracePeriod() throws {
        var profile = SimulationProfile()
        profile.terminate = .init(20)
        var random = SystemRandomNumberGenerator()
        let text =
            #"{"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 3}}"#
        #expect(PodLife(profile: profile).next(try pod(text), &random)?.delay == 3)
    }

    @Test func statuses() throws {
        let life = PodLife(profile: SimulationProfile())
        let web = try pod(
            #"""
            {"metadata": {"uid": "u", "generation": 2}, "spec": {"readinessGates": [{"conditionType": "g"}],
            "initContainers": [{"name": "i", "image": "x"}, {"name": "s", "image": "x", "restartPolicy": "Always"}],
            "containers": [{"name": "c", "image": "y"}]}}
            """#)
        let now = Time(seconds: 0)
        let started = life.status(after: .start, web, hostIP: "h", podIP: "p", now: now)
        #expect(started?["phase"] == "Running" && started?["podIP"] == "p" && started?["hostIP"] == "h")
        #expect(started?["observedGeneration"] == 2)
        #expect(started?["containerStatuses"]?[0]?["ready"] == true)
        #expect(started?["initContainerStatuses"]?[0]?[path: "state", "terminated", "reason"] == "Completed")
        #expect(started?["initContainerStatuses"]?[1]?[path: "state", "running"] != nil)
        let types = (started?["conditions"]?.arrayValue ?? []).compactMap { $0["type"]?.stringValue }
        #expect(types == ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "g"])
        let failed = life.status(after: .fail, web, hostIP: "h", podIP: "p", now: now)
        #expect(failed?["phase"] == "Failed")
        #expect(failed?["containerStatuses"]?[0]?[path: "state", "terminated", "exitCode"] == 1)
        #expect(life.status(after: .remove, web, hostIP: "h", podIP: "p", now: now) == nil)
    }

    @Test func profiles() throws {
        let profile = try SimulationProfile(
            yaml: "capacity: {cpu: 8, nvidia.com/gpu: 4}\nstart: [1, 3]\nrun: 60\nfailing: 0.5\nzones: 3\n")
        #expect(profile.capacity["cpu"] == "8" && profile.capacity["memory"] == "256Gi")
        #expect(profile.capacity["nvidia.com/gpu"] == "4" && profile.zones == 3)
        #expect(profile.start == .init(1, 3) && profile.run == .init(60) && profile.failing == 0.5)
        for (yaml, message) in [
            ("speed: 1", "speed: a profile has no such field"),
            ("start: -1", "start: must be a number that is not negative"),
            ("start: [3, 1]", "start: the first number must not be the larger"),
            ("capacity: {cpu: much}", "capacity.cpu: \"much\" is no quantity"),
        ] {
            do throws(SimulationError) {
                _ = try SimulationProfile(yaml: yaml)
                Issue.record("\(yaml) is taken")
            } catch {
                #expect(error.description == message)
            }
        }
    }

    @Test func leasesAreNoBurden() {
        let profile = SimulationProfile()
        #expect(profile.renewal(of: 1) == 10 && profile.renewal(of: 3000) == 15 && profile.renewal(of: 5000) == 25)
    }

    @Test func addressesDiffer() {
        var seen: Set<String> = []
        for index in [0, 1, 255, 256, 4999] {
            let node = SimulatedNode(name: "n", index: index)
            for address in [node.address] + (1...110).map(node.podAddress) { #expect(seen.insert(address).inserted) }
        }
    }
}

@Suite struct AgendaTests {
    @Test func theEarliestFirstAndOnlyTheLastWord() {
        let now = ContinuousClock.now
        var agenda = Agenda<String, Int>()
        agenda.put(1, for: "a", at: now + .seconds(2))
        agenda.put(2, for: "b", at: now + .seconds(1))
        agenda.put(3, for: "a", at: now + .seconds(3))
        agenda.put(4, for: "c", at: now + .seconds(1))
        agenda.remove("c")
        #expect(agenda.take(now: now) == nil)
        #expect(agenda.take(now: now + .seconds(2))?.value == 2)
        #expect(agenda.take(now: now + .seconds(2)) == nil && agenda.count == 1)
        #expect(agenda.take(now: now + .seconds(3))?.value == 3)
        #expect(agenda.isEmpty)
    }
}

@Suite struct StageTests {
    private let ready = #"""
        apiVersion: kwok.x-k8s.io/v1alpha1
        kind: Stage
        metadata: {name: ready}
        spec:
          resourceRef: {apiGroup: v1, kind: Pod}
          selector:
            matchExpressions:
            - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
            - {key: '.status.podIP', operator: DoesNotExist}
          delay: {durationMilliseconds: 500, durationFrom: {expressionFrom: '.metadata.annotations["delay"]'}}
          next:
            statusTemplate: |
              {{ $now := Now }}
              phase: Running
              podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) | Quote }}
              containerStatuses:
              {{ range $index, $item := .spec.containers -}}
              - name: {{ $item.name | Quote }}
                ready: {{ if eq $item.name "slow" }}false{{ else }}true{{ end }}
                number: {{ $index }}
                startedAt: {{ $now | Quote }}
              {{ end }}
        ---
        apiVersion: kwok.x-k8s.io/v1alpha1
        kind: Stage
        metadata: {name: done}
        spec:
          resourceRef: {apiGroup: v1, kind: Pod}
          selector:
            matchExpressions:
            - {key: '.metadata.ownerReferences.[].kind', operator: In, values: [Job]}
            - {key: '.status.phase', operator: In, values: [Running]}
          next: {delete: true, finalizers: {empty: true}}
        """#

    @Test func stages() throws {
        let stages = try Stage.read(ready)
        #expect(stages.map(\.name) == ["ready", "done"])
        #expect(stages[1].deletes && stages[1].emptiesFinalizers)
        var random = SystemRandomNumberGenerator()
        let new = try pod(#"{"spec": {"containers": [{"name": "a"}, {"name": "slow"}]}}"#)
        let next = Stage.next(of: new.json, stages, &random)
        #expect(next?.step == .stage(0) && next?.delay == 0.5)
        let status = try stages[0].status(of: new.json, hostIP: "h", podIP: "10.0.0.1", now: Time(seconds: 0))
        #expect(status?["podIP"] == "10.0.0.1" && status?["phase"] == "Running")
        #expect(status?["containerStatuses"]?[1]?["ready"] == false)
        #expect(status?["containerStatuses"]?[1]?["number"] == 1)
        #expect(status?["containerStatuses"]?[0]?["startedAt"] == "1970-01-01T00:00:00Z")
        let slow = try pod(#"{"metadata": {"annotations": {"delay": "1.5s"}}}"#)
        #expect(Stage.next(of: slow.json, stages, &random)?.delay == 1.5)
        let job = try pod(
            #"{"metadata": {"ownerReferences": [{"kind": "Job"}]}, "status": {"podIP": "x", "phase": "Running"}}"#)
        #expect(Stage.next(of: job.json, stages, &random)?.step == .stage(1))
        let over = try pod(#"{"status": {"podIP": "x", "phase": "Succeeded"}}"#)
        #expect(Stage.next(of: over.json, stages, &random) == nil)
    }

    @Test func mistakes() {
        for (text, message) in [
            ("{{ range .a }}", "{{ range }} without {{ end }}"), ("{{ end }}", "\"end\" ends nothing"),
            ("{{ .a ", "{{ without }}"), ("{{ ( .a }}", "( without )"),
        ] {
            do throws(GoTemplate.Failure) {
                _ = try GoTemplate(text)
                Issue.record("\(text) is taken")
            } catch {
                #expect(error.message == message)
            }
        }
    }

    @Test func templates() throws {
        let value: JSONValue = ["a": ["b": "x"], "list": [1, 2], "none": []]
        let surroundings = GoTemplate.Surroundings(now: Time(seconds: 0), hostIP: "h", podIP: "p")
        for (text, expected) in [
            ("{{ .a.b }}", "x"), ("{{ .a.c }}", ""), ("a {{- \" \" -}} b", "a b"), ("{{ index .a \"b\" }}", "x"),
            ("{{ range .list }}{{ . }},{{ end }}", "1,2,"), ("{{ range .none }}x{{ else }}y{{ end }}", "y"),
            ("{{ if .no }}1{{ else if .a }}2{{ else }}3{{ end }}", "2"), ("{{ with .a }}{{ .b }}{{ end }}", "x"),
            ("{{ $x := or .no \"d\" }}{{ $x | Quote }}", "\"d\""), ("{{ not .no }}", "true"),
            ("{{ $.a.b }}{{/* nothing */}}", "x"), ("{{ len .list }}", "2"),
            ("{{ index ( or .no dict ) \"k\" | Quote }}", "\"\""),
        ] {
            #expect(try GoTemplate(text).render(value, surroundings) == expected, "\(text)")
        }
    }
}
