// Asking a gRPC server whether it is well.

import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf

/// The client's side of `grpc.health.v1`, for probes.
public enum GRPCHealthCheck {
    /// - Returns: nil if the server says that the service is served, else what is wrong.
    public static func isServing(host: String, port: Int, service: String, timeout: Duration) async -> String? {
        do {
            let target: any ResolvableTarget =
                host.contains(":") ? .ipv6(address: host, port: port) : .ipv4(address: host, port: port)
            let transport = try HTTP2ClientTransport.Posix(target: target, transportSecurity: .plaintext)
            return try await withGRPCClient(transport: transport) { client in
                var options = CallOptions.defaults
                options.timeout = timeout
                let answer = try await Grpc_Health_V1_Health.Client(wrapping: client)
                    .check(.with { $0.service = service }, options: options)
                return answer.status == .serving
                    ? nil : "service unhealthy (responded with \"\(Self.name(answer.status))\")"
            }
        } catch let error as RPCError {
            switch error.code {
            case .unimplemented:
                return "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
            case .deadlineExceeded, .unavailable:
                return
                    "timeout: failed to connect service \"\(host):\(port)\" within \(timeout.components.seconds)s: \(error.message)"
            default: return "health rpc probe failed: \(error.message)"
            }
        } catch {
            return "health rpc probe failed: \(error)"
        }
    }

    private static func name(_ status: Grpc_Health_V1_HealthCheckResponse.ServingStatus) -> String {
        switch status {
        case .serving: "SERVING"
        case .notServing: "NOT_SERVING"
        case .serviceUnknown: "SERVICE_UNKNOWN"
        case .unknown, .UNRECOGNIZED: "UNKNOWN"
        }
    }
}
