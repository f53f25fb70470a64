import KubeClient
import KubeTypes
import Testing

@testable import Kubelet

@Suite struct KubeletConfigurationTests {
    private func parse(_ fields: String) throws -> KubeletOptions {
        var options = KubeletOptions(
            nodeName: "node1", client: KubeClient(FakeAPI()), runtimeSocket: "", nodeIPs: [])
        let head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
        try KubeletConfiguration(parsing: head + fields).apply(to: &options)
        return options
    }

    @Test func fields() throws {
        let options = try parse(
            """
            maxPods: 42
            podPidsLimit: -1
            allowedUnsafeSysctls: [net.core.somaxconn, 'kernel.msg*']
            enableSystemLogHandler: false
            containerLogMaxSize: 1Mi
            containerLogMaxFiles: 3
            imageGCHighThresholdPercent: 90
            imageMinimumGCAge: 1m
            evictionHard: {memory.available: 200Mi, nodefs.available: 5%}
            evictionSoft: {memory.available: 500Mi}
            evictionSoftGracePeriod: {memory.available: 1m30s}
            evictionMaxPodGracePeriod: 20
            evictionPressureTransitionPeriod: 30s
            """)
        #expect(options.maxPods == 42)
        #expect(options.podPidsLimit == nil)
        #expect(options.allowedUnsafeSysctls == ["net.core.somaxconn", "kernel.msg*"])
        #expect(!options.servesLogFiles)
        #expect(options.logMaxSize == 1 << 20)
        #expect(options.logMaxFiles == 3)
        #expect(options.imageGCHigh == 0.9)
        #expect(options.imageMinimumAge == 60)
        #expect(options.eviction.hard == [.memory: .amount(200 << 20), .nodeDisk: .part(0.05)])
        #expect(options.eviction.soft == [.memory: .amount(500 << 20)])
        #expect(options.eviction.softGrace == [.memory: 90])
        #expect(options.eviction.maxPodGrace == 20)
        #expect(options.eviction.transition == 30)
    }

    @Test func nothingChangesNothing() throws {
        let options = try parse("")
        #expect(options.eviction == EvictionPolicy())
        #expect(options.maxPods == 110)
    }

    @Test(arguments: [
        ("maxPods: many", "maxPods: it is a number from 0 to 1,000,000"),
        ("cgroupDriver: systemd", "the field cgroupDriver is not supported"),
        ("evictionHard: {disk: 5%}", "evictionHard: disk is no signal"),
        ("evictionHard: {memory.available: much}", "evictionHard: much is neither a quantity nor a percentage"),
        ("evictionSoft: {memory.available: 1Gi}", "evictionSoftGracePeriod: it names no time for memory.available"),
        ("imageMinimumGCAge: 60", "imageMinimumGCAge: it is a duration like 1m30s"),
    ])
    func mistakes(_ fields: String, _ message: String) {
        #expect { try parse(fields) } throws: { "\($0)" == message }
    }

    @Test func othersFilesAreRefused() {
        #expect(throws: KubeletConfiguration.Problem.self) { try KubeletConfiguration(parsing: "kind: Pod") }
    }
}
