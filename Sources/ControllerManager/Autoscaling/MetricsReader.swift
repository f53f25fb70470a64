import JSON
import KubeClient
import KubeTypes

/// Reads what pods and other things use from the metrics APIs: `metrics.k8s.io`, `custom.metrics.k8s.io` and
/// `external.metrics.k8s.io`.
struct MetricsReader: Sendable {
    private static let resourceMetrics = "metrics.k8s.io/v1beta1"
    private static let customMetrics = ["custom.metrics.k8s.io/v1beta2", "custom.metrics.k8s.io/v1beta1"]
    private static let externalMetrics = "external.metrics.k8s.io/v1beta1"

    let client: KubeClient

    private func call(_ request: KubeRequest, of api: String) async throws(ScalingProblem) -> JSONValue {
        do {
            return try await client.transport.call(request)
        } catch {
            throw ScalingProblem("unable to fetch metrics from \(api) metrics API: \(error)")
        }
    }

    private func items(_ list: JSONValue, of api: String) throws(ScalingProblem) -> [JSONValue] {
        let items = list["items"]?.arrayValue ?? []
        guard !items.isEmpty else { throw ScalingProblem("no metrics returned from \(api) metrics API") }
        return items
    }

    /// The usage of each pod, or of one container in each; pods whose containers are not all measured are left out.
    func usage(
        of resource: String, container: String?, namespace: String, selector: String
    ) async throws(ScalingProblem) -> [String: PodSample] {
        let list = try await call(
            KubeRequest(
                .list, apiVersion: Self.resourceMetrics, resource: "pods", namespace: namespace,
                query: [(name: "labelSelector", value: selector)]), of: "resource")
        var samples: [String: PodSample] = [:]
        for item in try items(list, of: "resource") {
            if let (name, sample) = Self.sample(item, resource, container) { samples[name] = sample }
        }
        return samples
    }

    static func sample(_ item: JSONValue, _ resource: String, _ container: String?) -> (String, PodSample)? {
        guard let name = item[path: "metadata", "name"]?.stringValue else { return nil }
        let containers = (item["containers"]?.arrayValue ?? [])
            .filter { container == nil || $0["name"]?.stringValue == container }
        let amounts = containers.map { $0[path: "usage", resource].flatMap(Quantity.init(field:)) }
        guard !amounts.isEmpty, !amounts.contains(where: { $0 == nil }) else { return nil }
        return (
            name,
            PodSample(
                milli: amounts.reduce(0) { $0 + ($1?.milliValue ?? 0) },
                timestamp: item["timestamp"].flatMap(Time.init(field:)) ?? Time(seconds: 0),
                window: item["window"]?.stringValue.flatMap(Self.seconds(ofDuration:)) ?? 60)
        )
    }

    /// `1m30s`, `14.5s`: durations as Go writes them.
    static func seconds(ofDuration text: String) -> Double? {
        let units: [String: Double] = ["h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9]
        var total = 0.0
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isNumber || $0 == "." }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !$0.isNumber && $0 != "." }
            rest = rest[unit.endIndex...]
            guard let value = Double(number), let factor = units[String(unit)] else { return nil }
            total += value * factor
        }
        return total
    }

    /// A metric of each pod.
    func custom(
        _ metric: String, ofPodsIn namespace: String, selector: String, metricSelector: String
    ) async throws(ScalingProblem) -> [String: PodSample] {
        let list = try await custom(
            metric, resource: "pods", name: "*", namespace: namespace, selector: selector,
            metricSelector: metricSelector)
        var samples: [String: PodSample] = [:]
        for item in try items(list, of: "custom") {
            guard let name = item[path: "describedObject", "name"]?.stringValue,
                let value = item["value"].flatMap(Quantity.init(field:))
            else { continue }
            samples[name] = PodSample(
                milli: value.milliValue, timestamp: item["timestamp"].flatMap(Time.init(field:)) ?? Time(seconds: 0),
                window: item["windowSeconds"]?.doubleValue ?? 60)
        }
        return samples
    }

    /// A metric of one object, in thousandths.
    /// - Parameter resource: `ingresses.networking.k8s.io`; `namespaces` is the namespace itself, whatever its name.
    func custom(
        _ metric: String, of resource: String, _ name: String, namespace: String, metricSelector: String
    ) async throws(ScalingProblem) -> Int64 {
        let isNamespace = resource == "namespaces"
        let list = try await custom(
            metric, resource: isNamespace ? "metrics" : resource, name: isNamespace ? nil : name, namespace: namespace,
            selector: "", metricSelector: metricSelector)
        guard let value = try items(list, of: "custom").first?["value"].flatMap(Quantity.init(field:)) else {
            throw ScalingProblem("the custom metrics API returned no value of \(metric)")
        }
        return value.milliValue
    }

    private func custom(
        _ metric: String, resource: String, name: String?, namespace: String, selector: String, metricSelector: String
    ) async throws(ScalingProblem) -> JSONValue {
        var query: [(name: String, value: String)] = []
        if !selector.isEmpty { query.append((name: "labelSelector", value: selector)) }
        if !metricSelector.isEmpty { query.append((name: "metricLabelSelector", value: metricSelector)) }
        var problem = ScalingProblem("unable to fetch metrics from custom metrics API")
        for version in Self.customMetrics {
            do throws(ScalingProblem) {
                return try await call(
                    KubeRequest(
                        .get, apiVersion: version, resource: resource, namespace: namespace, name: name ?? metric,
                        subresource: name == nil ? nil : metric, query: query), of: "custom")
            } catch {
                problem = error
            }
        }
        throw problem
    }

    /// The values of a metric that has nothing to do with the cluster, added up, in thousandths.
    func external(
        _ metric: String, namespace: String, metricSelector: String
    ) async throws(ScalingProblem) -> Int64 {
        let query = metricSelector.isEmpty ? [] : [(name: "labelSelector", value: metricSelector)]
        let list = try await call(
            KubeRequest(
                .list, apiVersion: Self.externalMetrics, resource: metric, namespace: namespace, query: query),
            of: "external")
        var total: Int64 = 0
        for item in try items(list, of: "external") {
            let (sum, overflow) = total.addingReportingOverflow(
                item["value"].flatMap(Quantity.init(field:))?.milliValue ?? 0)
            total = overflow ? Int64.max : sum
        }
        return total
    }
}
