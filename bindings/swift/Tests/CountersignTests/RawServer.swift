import Foundation
import ScenarioPlayer

/// A server that answers each connection with the same bytes and then closes it, or never answers.
final class RawServer: Sendable {
    let url: String
    /// Every request that came, as it came.
    let requests = Guarded<[String]>([])
    private let listener: Int32

    /// One that answers with these bytes; without them it reads, and says nothing until the other side goes.
    init(answer: String?) throws {
        listener = socket(AF_INET, Self.stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let port = withUnsafeMutableBytes(of: &address) { bytes -> UInt16? in
            let address = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
            guard let address, bind(listener, address, length) == 0, listen(listener, 16) == 0,
                getsockname(listener, address, &length) == 0
            else { return nil }
            return UInt16(bigEndian: bytes.assumingMemoryBound(to: sockaddr_in.self)[0].sin_port)
        }
        guard let port else { throw CocoaError(.fileNoSuchFile) }
        url = "http://127.0.0.1:\(port)"
        let requests = requests
        Thread.detachNewThread {
            while case let connection = accept(listener, nil, nil), connection >= 0 {
                Self.serve(connection, answer: answer, requests)
            }
        }
    }

    deinit { shutdown(listener, Int32(Self.bothWays)) }

    private static func serve(_ connection: Int32, answer: String?, _ requests: Guarded<[String]>) {
        defer { close(connection) }
        let file = FileHandle(fileDescriptor: connection, closeOnDealloc: false)
        let request = String(decoding: file.availableData, as: UTF8.self)
        requests.with { $0.append(request) }
        if let answer {
            _ = answer.withCString { write(connection, $0, strlen($0)) }
        } else {
            // Nothing, until the other side hangs up.
            while !file.availableData.isEmpty {}
            requests.with { $0.append("hung up") }
        }
    }

    #if canImport(Darwin)
        private static let stream = SOCK_STREAM
        private static let bothWays = SHUT_RDWR
    #else
        private static let stream = Int32(SOCK_STREAM.rawValue)
        private static let bothWays = SHUT_RDWR
    #endif
}
