// The flags of servers that share their state. Names and defaults are kube-apiserver's and kube-controller-manager's.

import ArgumentParser
import Cluster

struct SharingOptions: ParsableArguments {
    @Option(
        name: .long,
        help: """
            Comma-separated URLs of an etcd that holds the cluster's state instead of the data directory: \
            https://10.0.0.1:2379. Several servers may share one; each needs the first one's keys (--pki-dir).
            """)
    var etcdServers: String?

    @Option(name: .customLong("etcd-cafile"), help: "Whose certificate etcd's servers must have: a PEM file.")
    var etcdCAFile: String?

    @Option(name: .customLong("etcd-certfile"), help: "The certificate that etcd is shown: a PEM file.")
    var etcdCertFile: String?

    @Option(name: .customLong("etcd-keyfile"), help: "Its key: a PEM file.")
    var etcdKeyFile: String?

    @Option(name: .long, help: "What all keys in etcd begin with: clusters with different prefixes may share one.")
    var etcdPrefix = "/registry"

    @Option(name: .long, help: "How often history in etcd is compacted; 0 leaves it to others.")
    var etcdCompactionInterval = TimeSpan(seconds: 300)

    @Option(
        name: .long,
        help: """
            A copy of the pki directory of a server whose state this one is to share: ca.crt, ca.key, sa.key, \
            front-proxy-ca.crt and front-proxy-ca.key.
            """)
    var pkiDir: String?

    @Option(
        name: .long,
        help: "Whether controllers and scheduler work only while they hold their Lease; true where etcd is named.")
    var leaderElect: Bool?

    @Option(name: .long, help: "How long others wait after a leader's last renewal.")
    var leaderElectLeaseDuration = TimeSpan(seconds: 15)

    @Option(name: .long, help: "How long a leader tries to renew its Lease before it stops.")
    var leaderElectRenewDeadline = TimeSpan(seconds: 10)

    @Option(name: .long, help: "How long to wait between attempts to take or renew the Lease.")
    var leaderElectRetryPeriod = TimeSpan(seconds: 2)

    private var servers: [String] {
        (etcdServers ?? "").split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }.map(String.init)
    }

    private var election: LeaderElectionOptions {
        func duration(_ span: TimeSpan) -> Duration { .milliseconds(Int64(span.seconds * 1000)) }
        var election = LeaderElectionOptions()
        election.isOn = leaderElect
        election.leaseDuration = duration(leaderElectLeaseDuration)
        election.renewDeadline = duration(leaderElectRenewDeadline)
        election.retryPeriod = duration(leaderElectRetryPeriod)
        return election
    }

    func validate() throws {
        if etcdServers != nil, servers.isEmpty {
            throw ValidationError("--etcd-servers takes URLs such as https://10.0.0.1:2379.")
        }
        if etcdServers == nil, etcdCAFile != nil || etcdCertFile != nil || etcdKeyFile != nil {
            throw ValidationError("--etcd-cafile, --etcd-certfile and --etcd-keyfile go together with --etcd-servers.")
        }
        guard (etcdCertFile == nil) == (etcdKeyFile == nil) else {
            throw ValidationError("--etcd-certfile and --etcd-keyfile go together.")
        }
        if etcdPrefix.allSatisfy({ $0 == "/" }) {
            throw ValidationError("--etcd-prefix takes a path such as /registry.")
        }
        if let problem = election.problem { throw ValidationError(problem) }
    }

    func apply(to options: inout ClusterOptions) {
        options.pkiDirectory = pkiDir
        options.leaderElection = election
        guard etcdServers != nil else { return }
        var shared = SharedStateOptions(servers: servers)
        shared.authorityFile = etcdCAFile
        shared.certificateFile = etcdCertFile
        shared.keyFile = etcdKeyFile
        shared.prefix = etcdPrefix
        shared.compactionInterval = .milliseconds(Int64(etcdCompactionInterval.seconds * 1000))
        options.sharedState = shared
    }
}
