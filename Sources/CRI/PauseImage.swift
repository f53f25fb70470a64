// The program that holds a sandbox's namespaces open: a hundred-odd bytes of machine code, wrapped into an image.

/// The image that sandboxes run, made on the spot so that none has to be fetched.
///
/// Its program tells the kernel to reap children by itself (SIGCHLD ignored, which matters where a pod shares one
/// process namespace and orphans become its children) and then waits for a signal for ever.
public enum PauseImage {
    public static let name = "martlet.local/pause:1"

    public static func writer(architecture: String = OCIImageWriter.nativeArchitecture) -> OCIImageWriter {
        var config = OCIImageWriter.Config()
        config.entrypoint = ["/pause"]
        return OCIImageWriter(
            names: [name],
            entries: [.file(path: "pause", mode: 0o755, content: program(architecture: architecture))],
            config: config, architecture: architecture)
    }

    /// A static ELF executable of one loadable segment, its code right after the headers.
    static func program(architecture: String) -> [UInt8] {
        let (machine, code): (UInt16, [UInt8]) = architecture == "arm64" ? (183, arm64) : (62, x86)
        let headers = 64 + 56
        let base: UInt64 = 0x40_0000
        var bytes: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
        func put<Number: FixedWidthInteger>(_ number: Number) {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        put(UInt16(2))  // executable
        put(machine)
        put(UInt32(1))
        put(base + UInt64(headers))  // entry
        put(UInt64(64))  // program headers follow
        put(UInt64(0))  // no sections
        put(UInt32(0))
        put(UInt16(64))
        put(UInt16(56))
        put(UInt16(1))
        put(UInt16(64))
        put(UInt16(0))
        put(UInt16(0))
        // The program header.
        put(UInt32(1))  // load
        put(UInt32(5))  // readable, executable
        put(UInt64(0))
        put(base)
        put(base)
        let size = UInt64(headers + code.count)
        put(size)
        put(size)
        put(UInt64(0x1_0000))  // the largest page size of arm64
        return bytes + code
    }

    /// A `struct sigaction` as the kernel has it, its handler SIG_IGN.
    private static let ignore: [UInt8] = [1] + [UInt8](repeating: 0, count: 31)

    private static let x86: [UInt8] =
        [
            0x48, 0x8d, 0x35, 0x1e, 0x00, 0x00, 0x00,  // lea rsi, [rip + 30]   the sigaction
            0xbf, 0x11, 0x00, 0x00, 0x00,  // mov edi, 17           SIGCHLD
            0x31, 0xd2,  // xor edx, edx
            0x41, 0xba, 0x08, 0x00, 0x00, 0x00,  // mov r10d, 8
            0xb8, 0x0d, 0x00, 0x00, 0x00,  // mov eax, 13           rt_sigaction
            0x0f, 0x05,  // syscall
            0xb8, 0x22, 0x00, 0x00, 0x00,  // mov eax, 34           pause
            0x0f, 0x05,  // syscall
            0xeb, 0xf7,  // jmp -9                to the mov before
        ] + [0x90] + ignore

    private static let arm64: [UInt8] =
        [
            0x1000_01c1,  // adr x1, #56           the sigaction
            0xd280_0220,  // mov x0, #17           SIGCHLD
            0xd280_0002,  // mov x2, #0
            0xd280_0103,  // mov x3, #8
            0xd280_10c8,  // mov x8, #134          rt_sigaction
            0xd400_0001,  // svc #0
            0xd280_0000,  // mov x0, #0
            0xd280_0001,  // mov x1, #0
            0xd280_0002,  // mov x2, #0
            0xd280_0003,  // mov x3, #0
            0xd280_0004,  // mov x4, #0
            0xd280_0928,  // mov x8, #73           ppoll, arm64 having no pause
            0xd400_0001,  // svc #0
            0x17ff_fff9,  // b -7 instructions
        ].flatMap { (word: UInt32) in withUnsafeBytes(of: word.littleEndian) { Array($0) } } + ignore
}
