import Countersign
import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Sends requests with a `URLSession` of its own: no redirects, no cookies, no cache, no credentials, and nothing on
/// disk.
///
/// The timeout is for the whole exchange, not for the next byte. A body that is cut off or too long is `Unreachable`,
/// and a cancelled task cancels its request. What it says of a failure is never taken from the request.
public final class URLSessionTransport: Transport {
    private let session: URLSession
    private let exchanges = Exchanges()

    /// A session that ends with this object.
    public init() {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpShouldSetCookies = false
        configuration.httpCookieAcceptPolicy = .never
        configuration.httpCookieStorage = nil
        configuration.urlCache = nil
        configuration.urlCredentialStorage = nil
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        session = URLSession(configuration: configuration, delegate: exchanges, delegateQueue: nil)
    }

    deinit {
        // A session keeps its delegate, its threads and its connections until it is told to end.
        session.invalidateAndCancel()
    }

    /// Sends one request as it is and reads the whole response, whatever its status. It suspends and blocks no thread.
    /// Several may be running at once.
    ///
    /// - Throws: `TransportError.Unreachable` when there is no whole response in time, when it is too long, and when
    ///   the task was cancelled.
    public func send(request: HttpRequest) async throws -> HttpResponse {
        guard let url = URL(string: request.url) else { throw Exchange.unreachable("the address cannot be read") }
        let task = session.dataTask(with: URLRequest(request, to: url))
        let exchange = Exchange(task: task, longest: Int(request.maxResponseLength))
        exchanges.add(exchange)
        return try await withTaskCancellationHandler {
            try await exchange.outcome(within: request.timeout)
        } onCancel: {
            exchange.fail("it was cancelled")
        }
    }
}

extension URLRequest {
    init(_ request: HttpRequest, to url: URL) {
        self.init(url: url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: request.timeout)
        httpMethod = request.method
        httpShouldHandleCookies = false
        if !request.body.isEmpty {
            httpBody = request.body
        }
        for header in request.headers {
            addValue(header.value, forHTTPHeaderField: header.name)
        }
    }
}

/// The requests of one session that are on their way. Not the transport itself, which the session would keep for ever.
private final class Exchanges: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let lock = NSLock()
    /// Only read and written while `lock` is held.
    private var running: [Int: Exchange] = [:]

    func add(_ exchange: Exchange) {
        lock.withLock { running[exchange.task.taskIdentifier] = exchange }
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        lock.withLock { running[dataTask.taskIdentifier] }?.receive(data)
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        lock.withLock { running.removeValue(forKey: task.taskIdentifier) }?.end(error)
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}
