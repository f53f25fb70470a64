// The configuration of a containerd of our own: what it says, and what on this machine decides it.

import Glibc

/// Where a containerd of our own keeps what belongs to it, and how it is set up.
public struct ContainerdOptions: Sendable {
    /// Holds everything: images, state, socket, log, CNI configuration.
    public var dataDir: String
    public var cniBinDir = "/usr/lib/cni"
    /// Nil is `cni` below the data directory.
    public var cniConfDir: String?
    public var sandboxImage = PauseImage.name
    public var containerd = "containerd"
    public var ctr = "ctr"

    public init(dataDir: String) { self.dataDir = dataDir }

    public var socket: String { dataDir + "/containerd.sock" }
    public var cniConfigDirectory: String { cniConfDir ?? dataDir + "/cni" }
    /// A file `hosts.toml` in a directory named like a registry says where its mirrors are.
    public var registryConfigDirectory: String { dataDir + "/certs.d" }
    var configFile: String { dataDir + "/config.toml" }
    var pidFile: String { dataDir + "/containerd.pid" }
    var logFile: String { dataDir + "/containerd.log" }
}

/// `config.toml` in version 2, which containerd reads from 1.3 on.
struct ContainerdConfig: Equatable {
    var options: ContainerdOptions
    var snapshotter: String
    /// Without CAP_SYS_RESOURCE a container's `oom_score_adj` cannot be below our own.
    var restrictOOMScore: Bool

    static func == (left: Self, right: Self) -> Bool { left.text == right.text }

    /// Looks at what this machine allows.
    static func detected(_ options: ContainerdOptions) -> ContainerdConfig {
        ContainerdConfig(
            options: options, snapshotter: overlayWorks(in: options.dataDir) ? "overlayfs" : "native",
            restrictOOMScore: !hasResourceCapability(status: Files.text("/proc/self/status") ?? ""))
    }

    /// Whether the effective capabilities in `/proc/PID/status` include CAP_SYS_RESOURCE (24).
    static func hasResourceCapability(status: String) -> Bool {
        for line in status.split(separator: "\n") where line.hasPrefix("CapEff:") {
            let digits = line.dropFirst("CapEff:".count).filter { !$0.isWhitespace }
            return (UInt64(digits, radix: 16) ?? 0) & (1 << 24) != 0
        }
        return false
    }

    /// Tries an overlay mount in the data directory: it fails on file systems that cannot be an upper layer, another
    /// overlay among them.
    static func overlayWorks(in dataDir: String) -> Bool {
        let trial = dataDir + "/overlay-trial"
        defer { try? Files.removeTree(trial) }
        do {
            for name in ["lower", "upper", "work", "merged"] { try Files.makeDirectory("\(trial)/\(name)") }
        } catch { return false }
        let options = "lowerdir=\(trial)/lower,upperdir=\(trial)/upper,workdir=\(trial)/work"
        guard mount("overlay", "\(trial)/merged", "overlay", 0, options) == 0 else { return false }
        umount2("\(trial)/merged", 0)
        return true
    }

    var text: String {
        """
        # Written by martlet at every start.
        version = 2
        root = \(quoted(options.dataDir + "/root"))
        state = \(quoted(options.dataDir + "/state"))
        disabled_plugins = [
          "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
          "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
          "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
        ]

        [grpc]
          address = \(quoted(options.socket))

        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = \(quoted(options.sandboxImage))
          restrict_oom_score_adj = \(restrictOOMScore)
          tolerate_missing_hugetlb_controller = true
          disable_hugetlb_controller = true
          # A container's process opens ports below 1024 and pings as it does elsewhere.
          enable_unprivileged_ports = true
          enable_unprivileged_icmp = true
          # Devices of drivers, where containerd knows of them: from 1.7 on.
          enable_cdi = true

          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = \(quoted(options.cniBinDir))
            conf_dir = \(quoted(options.cniConfigDirectory))
            max_conf_num = 1

          [plugins."io.containerd.grpc.v1.cri".containerd]
            snapshotter = \(quoted(snapshotter))
            default_runtime_name = "runc"

            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
              runtime_type = "io.containerd.runc.v2"

              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
                SystemdCgroup = false

          [plugins."io.containerd.grpc.v1.cri".registry]
            config_path = \(quoted(options.registryConfigDirectory))

        """
    }

    /// A TOML basic string.
    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
