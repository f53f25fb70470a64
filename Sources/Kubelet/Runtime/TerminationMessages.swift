// The last words of containers.

import CRI
import KubeTypes

enum TerminationMessages {
    /// Bytes that a status keeps.
    static let limit = 4096

    /// What a container that has ended left in its termination log, or, where it wants that and failed, the end of its
    /// log.
    static func message(of status: RuntimeContainerStatus) -> String {
        guard status.state == .exited else { return "" }
        let path = status.annotations[RuntimeKeys.terminationMessagePath] ?? ""
        if !path.isEmpty, let mount = status.mounts.first(where: { $0.containerPath == path }),
            let bytes = Files.read(mount.hostPath), !bytes.isEmpty
        {
            return String(decoding: bytes.suffix(limit), as: UTF8.self)
        }
        guard status.annotations[RuntimeKeys.terminationMessagePolicy] == "FallbackToLogsOnError", status.exitCode != 0,
            let log = Files.read(status.logPath)
        else { return "" }
        let lines = CRILog.lines(in: log).suffix(80)
        var text = ""
        for line in lines { text += String(decoding: line.content, as: UTF8.self) }
        return String(decoding: text.utf8.suffix(2048), as: UTF8.self)
    }
}
