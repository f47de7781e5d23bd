import Countersign
import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// One request on its way. It ends once, by whoever is first: the session, the deadline, or who cancels.
final class Exchange: @unchecked Sendable {
    let task: URLSessionDataTask
    private let longest: Int
    private let lock = NSLock()
    // Only read and written while `lock` is held.
    private var body = Data()
    private var result: Result<HttpResponse, TransportError>?
    private var waiting: CheckedContinuation<HttpResponse, any Error>?

    init(task: URLSessionDataTask, longest: Int) {
        self.task = task
        self.longest = longest
    }

    /// Why there is no response. The words are ours: a platform's own may hold the address.
    static func unreachable(_ reason: String) -> TransportError { .Unreachable(reason: reason) }

    /// Starts the request, and waits for what comes of it.
    func outcome(within timeout: TimeInterval) async throws -> HttpResponse {
        task.resume()
        let deadline = Task {
            try await Task.sleep(for: .seconds(timeout))
            fail("it took too long")
        }
        defer { deadline.cancel() }
        return try await withCheckedThrowingContinuation { continuation in
            let already = lock.withLock {
                if result == nil { waiting = continuation }
                return result
            }
            if let already { continuation.resume(with: already) }
        }
    }

    func receive(_ data: Data) {
        let isTooLong = lock.withLock {
            let isTooLong = body.count + data.count > longest
            if !isTooLong { body.append(data) }
            return isTooLong
        }
        if isTooLong { fail("the answer is too long") }
    }

    /// The session has ended it.
    func end(_ error: (any Error)?) {
        if let error {
            fail("the platform's error \((error as NSError).code)")
        } else if let response = task.response as? HTTPURLResponse {
            isWhole(response) ? settle(.success(answer(response))) : fail("the answer was cut off")
        } else {
            fail("the answer is not HTTP")
        }
    }

    func fail(_ reason: String) {
        settle(.failure(Self.unreachable(reason)))
        task.cancel()
    }

    private func settle(_ outcome: Result<HttpResponse, TransportError>) {
        let waits = lock.withLock {
            guard result == nil else { return nil as CheckedContinuation<HttpResponse, any Error>? }
            result = outcome
            defer { waiting = nil }
            return waiting
        }
        waits?.resume(with: outcome)
    }

    /// Not every platform calls it an error when a connection ends before the length that was announced.
    private func isWhole(_ response: HTTPURLResponse) -> Bool {
        let announced = response.expectedContentLength
        let isEncoded = response.value(forHTTPHeaderField: "Content-Encoding") != nil
        return announced < 0 || isEncoded || lock.withLock { Int64(body.count) } == announced
    }

    private func answer(_ response: HTTPURLResponse) -> HttpResponse {
        let headers = response.allHeaderFields.map { HttpHeader(name: "\($0.key)", value: "\($0.value)") }
        return HttpResponse(status: UInt16(response.statusCode), headers: headers, body: lock.withLock { body })
    }
}
