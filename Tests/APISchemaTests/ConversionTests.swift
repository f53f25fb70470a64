import JSON
import Testing

@testable import APISchema

@Suite struct ConversionTests {
    let schema = Schema.builtin

    private func stored(_ text: String, _ apiVersion: String, _ plural: String) throws -> JSONValue {
        let resource = Given.resource(apiVersion, plural)
        var object = try Given.defaulted(text, resource)
        try schema.toStorage(&object, from: resource)
        return object
    }

    private func answered(_ object: JSONValue, _ apiVersion: String, _ plural: String) throws -> JSONValue {
        var object = object
        try schema.fromStorage(&object, to: Given.resource(apiVersion, plural))
        return object
    }

    /// The slides' Deployment: no selector, and the defaults of its time.
    @Test func theFirstDeploymentBecomesTodays() throws {
        let text = """
            {"apiVersion":"extensions/v1beta1","kind":"Deployment","metadata":{"name":"helloworld"},
             "spec":{"replicas":3,"rollbackTo":{"revision":2},"template":{"metadata":{"labels":{"app":"helloworld"}},
              "spec":{"containers":[{"name":"web","image":"helloworld:1"}]}}}}
            """
        let deployment = try stored(text, "extensions/v1beta1", "deployments")
        #expect(deployment["apiVersion"] == "apps/v1")
        #expect(deployment.at("spec.selector") == ["matchLabels": ["app": "helloworld"]])
        #expect(deployment.at("spec.strategy.rollingUpdate") == ["maxSurge": 1, "maxUnavailable": 1])
        #expect(deployment.at("spec.progressDeadlineSeconds") == 2_147_483_647)
        #expect(deployment.at("spec.rollbackTo") == nil)
        #expect(
            deployment["metadata"]?["annotations"] == ["deprecated.deployment.rollback.rollback-to": "2"])
        #expect(
            schema.validateStructure(deployment, of: Given.resource("apps/v1", "deployments")) == [])
        let old = try answered(deployment, "extensions/v1beta1", "deployments")
        #expect(old["apiVersion"] == "extensions/v1beta1")
        #expect(old.at("spec.rollbackTo") == ["revision": 2])
        #expect(old.at("metadata.annotations") == nil)
        let beta2 = try answered(deployment, "apps/v1beta2", "deployments")
        #expect(beta2["apiVersion"] == "apps/v1beta2")
        #expect(beta2["metadata"]?["annotations"] != nil)
    }

    @Test func daemonSetsKeepTheirGeneration() throws {
        let daemonSet = try stored(#"{"spec":{"templateGeneration":4}}"#, "extensions/v1beta1", "daemonsets")
        #expect(
            daemonSet["metadata"]?["annotations"] == ["deprecated.daemonset.template.generation": "4"])
        #expect(daemonSet.at("spec.updateStrategy") == ["type": "OnDelete"])
        #expect(try answered(daemonSet, "extensions/v1beta1", "daemonsets").at("spec.templateGeneration") == 4)
    }

    @Test func ingressBackendsAreRewritten() throws {
        let text = """
            {"spec":{"backend":{"serviceName":"a","servicePort":80},"rules":[{"host":"h","http":{"paths":[
             {"path":"/","backend":{"serviceName":"b","servicePort":"web"}},
             {"backend":{"resource":{"kind":"K","name":"n"}}}]}}]}}
            """
        let ingress = try stored(text, "extensions/v1beta1", "ingresses")
        #expect(ingress["apiVersion"] == "networking.k8s.io/v1")
        #expect(ingress.at("spec.defaultBackend") == ["service": ["name": "a", "port": ["number": 80]]])
        #expect(ingress.at("spec.backend") == nil)
        let paths = ingress.at("spec.rules.0.http.paths")
        #expect(paths?[0]?["backend"] == ["service": ["name": "b", "port": ["name": "web"]]])
        #expect(paths?[0]?["pathType"] == "ImplementationSpecific")
        #expect(paths?[1]?["backend"] == ["resource": ["kind": "K", "name": "n"]])
        let old = try answered(ingress, "extensions/v1beta1", "ingresses")
        #expect(old.at("spec.backend") == ["serviceName": "a", "servicePort": 80])
        #expect(old.at("spec.rules.0.http.paths.0.backend") == ["serviceName": "b", "servicePort": "web"])
        #expect(old.at("spec.defaultBackend") == nil)
    }

    @Test func eventsHaveTwoForms() throws {
        let text = """
            {"metadata":{"name":"e"},"regarding":{"kind":"Pod","name":"p"},"note":"hello","reason":"R","action":"A",
             "reportingController":"c","reportingInstance":"i","type":"Normal","deprecatedCount":2,
             "deprecatedSource":{"component":"k"},"eventTime":"2020-01-01T00:00:00.000000Z"}
            """
        let event = try stored(text, "events.k8s.io/v1", "events")
        #expect(event["apiVersion"] == "v1")
        #expect(event["involvedObject"] == ["kind": "Pod", "name": "p"])
        #expect(event["message"] == "hello")
        #expect(event["count"] == 2)
        #expect(event["source"] == ["component": "k"])
        #expect(event["reportingComponent"] == "c")
        #expect(event["note"] == nil)
        let back = try answered(event, "events.k8s.io/v1", "events")
        var expected = Given.json(text)
        expected["apiVersion"] = "events.k8s.io/v1"
        expected["kind"] = "Event"
        #expect(back == expected)
        let events = Given.resource("events.k8s.io/v1", "events")
        #expect(schema.storagePath(ofField: "regarding.name", in: events) == "involvedObject.name")
        #expect(schema.storagePath(ofField: "type", in: events) == "type")
        #expect(schema.storagePath(ofField: "regarding.name", in: Given.resource("v1", "events")) == "regarding.name")
    }

    @Test func autoscalersKeepInAnnotationsWhatV1Lacks() throws {
        let plural = "horizontalpodautoscalers"
        let old = try stored(
            #"{"spec":{"maxReplicas":5,"targetCPUUtilizationPercentage":60}}"#, "autoscaling/v1", plural)
        #expect(old["apiVersion"] == "autoscaling/v2")
        #expect(
            old.at("spec.metrics")
                == [
                    [
                        "type": "Resource",
                        "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 60]],
                    ]
                ])
        #expect(try answered(old, "autoscaling/v1", plural).at("spec.targetCPUUtilizationPercentage") == 60)
        // Without a target the default of the controller of that time is written down.
        #expect(
            try stored(#"{"spec":{"maxReplicas":5}}"#, "autoscaling/v1", plural)
                .at("spec.metrics.0.resource.target.averageUtilization") == 80)
        let text = """
            {"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"maxReplicas":5,"minReplicas":1,
             "metrics":[
              {"type":"Pods","pods":{"metric":{"name":"m","selector":{"matchLabels":{"a":"b"}}},"target":{"type":"AverageValue","averageValue":"10"}}},
              {"type":"Object","object":{"describedObject":{"kind":"K","name":"n","apiVersion":"v1"},"metric":{"name":"m"},"target":{"type":"Value","value":"3"}}},
              {"type":"External","external":{"metric":{"name":"x"},"target":{"type":"AverageValue","averageValue":"2"}}},
              {"type":"ContainerResource","containerResource":{"name":"memory","container":"c","target":{"type":"Utilization","averageUtilization":50}}},
              {"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":70}}}],
             "behavior":{"scaleDown":{"stabilizationWindowSeconds":60,"selectPolicy":"Max","policies":[{"type":"Percent","value":100,"periodSeconds":15}]},
              "scaleUp":{"stabilizationWindowSeconds":0,"selectPolicy":"Max","policies":[{"type":"Pods","value":4,"periodSeconds":15}]}}},
             "status":{"currentReplicas":1,"desiredReplicas":2,"conditions":[{"type":"ScalingActive","status":"True"}],
              "currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":30,"averageValue":"300m"}}}]}}
            """
        let new = try stored(text, "autoscaling/v2", plural)
        let v1 = try answered(new, "autoscaling/v1", plural)
        #expect(v1.at("spec.targetCPUUtilizationPercentage") == 70)
        #expect(v1.at("status.currentCPUUtilizationPercentage") == 30)
        #expect(v1.at("spec.metrics") == nil)
        #expect(v1["metadata"]?["annotations"]?.objectValue?.count == 4)
        var back = v1
        try schema.toStorage(&back, from: Given.resource("autoscaling/v1", plural))
        #expect(back == new)
    }

    @Test func deviceRequestsAreFlatInV1beta1() throws {
        let text = """
            {"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","deviceClassName":"d"},
             {"name":"s","deviceClassName":"","firstAvailable":[{"name":"t","deviceClassName":"d"}]}]}}}
            """
        let claim = try stored(text, "resource.k8s.io/v1beta1", "resourceclaims")
        #expect(
            claim.at("spec.devices.requests.0")
                == ["name": "r", "exactly": ["deviceClassName": "d", "allocationMode": "ExactCount", "count": 1]])
        #expect(claim.at("spec.devices.requests.1.exactly") == nil)
        let back = try answered(claim, "resource.k8s.io/v1beta1", "resourceclaims")
        #expect(back.at("spec.devices.requests.0.deviceClassName") == "d")
        let slice = try stored(
            #"{"spec":{"driver":"d","devices":[{"name":"a","basic":{"attributes":{"x":{"int":1}}}}]}}"#,
            "resource.k8s.io/v1beta1", "resourceslices")
        #expect(slice.at("spec.devices.0") == ["name": "a", "attributes": ["x": ["int": 1]]])
        #expect(
            try answered(slice, "resource.k8s.io/v1beta1", "resourceslices").at("spec.devices.0")
                == ["name": "a", "basic": ["attributes": ["x": ["int": 1]]]])
    }
}
