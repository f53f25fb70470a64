import JSON
import KubeClient
import KubeTypes

/// Wipes volumes whose reclaim policy is the deprecated Recycle, with a pod that mounts them.
final class VolumeRecycler: Sendable {
    enum State: Equatable {
        case running
        case done
        case failed(String)
    }

    private static let namespace = "default"
    /// Of the volume of that UID, so that a later one of its name is not taken for wiped.
    private static let volumeUID = "martlet.io/recycled-volume"

    private let context: ControllerContext
    private let recorder: EventRecorder

    init(_ context: ControllerContext, recorder: EventRecorder) {
        self.context = context
        self.recorder = recorder
    }

    /// Looks how far the wiping is, and begins it if it has not begun.
    func step(_ volume: PersistentVolume) async throws -> State {
        let name = "recycler-for-\(volume.name)"
        let client = context.client
        let found: Pod
        do throws(APIError) {
            found = try await client.get(Pod.self, name, namespace: Self.namespace)
        } catch {
            if !error.isNotFound { throw error }
            do { try await client.create(Self.pod(name, for: volume, image: context.options.recyclerImage)) } catch {
                if !error.isAlreadyExists { return .failed("unexpected error creating recycler pod:  \(error)") }
            }
            return .running
        }
        let isOld = found.annotations[Self.volumeUID] != volume.uid
        guard isOld || found.isTerminal else { return .running }
        do {
            try await client.delete(Pod.self, name, namespace: Self.namespace, options: .only(uid: found.uid))
        } catch { if !error.isNotFound { throw error } }
        if isOld || found.isBeingDeleted { return .running }
        if found.phase == "Succeeded" { return .done }
        return .failed(found.json[path: "status", "message"]?.stringValue ?? "pod failed, pod.Status.Message unknown")
    }

    /// - Parameter image: Has a shell.
    static func pod(_ name: String, for volume: PersistentVolume, image: String) -> Pod {
        var pod = Pod(name: name, namespace: namespace)
        pod.metadata.annotations = [volumeUID: volume.uid]
        var source: JSONValue = ["name": "vol"]
        if let path = volume.spec.hostPath { source["hostPath"] = path.json }
        if let share = volume.spec.nfs { source["nfs"] = share.json }
        pod.spec = PodSpec([
            "restartPolicy": "Never", "activeDeadlineSeconds": 300,
            "containers": [
                [
                    "name": "pv-recycler", "image": .string(image), "imagePullPolicy": "IfNotPresent",
                    "command": ["/bin/sh"],
                    "args": [
                        "-c",
                        "test -d /scrub && rm -rf /scrub/* /scrub/.[!.]* /scrub/..?* && test -z \"$(ls -A /scrub)\"",
                    ],
                    "volumeMounts": [["name": "vol", "mountPath": "/scrub"]],
                ]
            ],
            "volumes": [source],
        ])
        return pod
    }
}
