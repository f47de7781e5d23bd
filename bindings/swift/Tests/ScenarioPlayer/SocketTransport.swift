#if os(Linux)
    import Countersign
    import Foundation

    /// The platform's sockets, for a network that breaks: Foundation on Linux stops the whole process when a connection
    /// ends between two lines of a header ("Transfer completed, but there's no response"). Plain HTTP, one request a
    /// connection.
    struct SocketTransport {
        private static let cut = TransportError.Unreachable(reason: "the connection was cut")

        /// Sends one request and reads the whole response.
        static func send(_ request: HttpRequest) async throws -> HttpResponse {
            try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread { continuation.resume(with: Result { try exchange(request) }) }
            }
        }

        private static func exchange(_ request: HttpRequest) throws -> HttpResponse {
            guard let url = URLComponents(string: request.url), let port = url.port else { throw cut }
            let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(connection) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard connected == 0 else { throw cut }
            try write(head(of: request, to: url) + request.body, to: connection)
            return try response(readAll(connection))
        }

        private static func head(of request: HttpRequest, to url: URLComponents) -> Data {
            let query = url.percentEncodedQuery.map { "?\($0)" } ?? ""
            var lines = ["\(request.method) \(url.percentEncodedPath)\(query) HTTP/1.1", "host: \(url.host ?? "")"]
            lines += request.headers.map { "\($0.name): \($0.value)" }
            lines += ["content-length: \(request.body.count)", "connection: close", "", ""]
            return Data(lines.joined(separator: "\r\n").utf8)
        }

        private static func write(_ data: Data, to connection: Int32) throws {
            let sent = data.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent == data.count else { throw cut }
        }

        private static func readAll(_ connection: Int32) -> Data {
            var (all, part) = (Data(), [UInt8](repeating: 0, count: 65536))
            while case let length = recv(connection, &part, part.count, 0), length > 0 {
                all += part.prefix(length)
            }
            return all
        }

        private static func response(_ all: Data) throws -> HttpResponse {
            guard let end = all.range(of: Data("\r\n\r\n".utf8)) else { throw cut }
            let lines = String(decoding: all[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
            let headers = lines.dropFirst().compactMap { line -> HttpHeader? in
                guard let colon = line.firstIndex(of: ":") else { return nil }
                let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                return HttpHeader(name: String(line[..<colon]).lowercased(), value: value)
            }
            let body = all[end.upperBound...]
            let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) }
            guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ UInt16($0) }),
                body.count == length ?? 0
            else { throw cut }
            return HttpResponse(status: status, headers: headers, body: Data(body))
        }
    }
#endif
