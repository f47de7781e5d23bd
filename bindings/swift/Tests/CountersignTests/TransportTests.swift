import Countersign
import CountersignPlatform
import Foundation
import Testing

@Suite("URLSessionTransport", .timeLimit(.minutes(1)))
struct TransportTests {
    private let transport = URLSessionTransport()

    private func request(
        _ server: String, method: String = "GET", body: String = "", timeout: TimeInterval = 20, longest: UInt32 = 1000
    ) -> HttpRequest {
        HttpRequest(
            method: method, url: server + "/secret?token=secret",
            headers: [HttpHeader(name: "x-secret", value: "secret"), HttpHeader(name: "x-other", value: "other")],
            body: Data(body.utf8), timeout: timeout, maxResponseLength: longest)
    }

    /// Why there was no response: never in the words of the request.
    private func refusal(_ request: HttpRequest) async -> String? {
        do {
            let response = try await transport.send(request: request)
            Issue.record("\(response) came")
        } catch TransportError.Unreachable(let reason) {
            #expect(!reason.contains("secret") && !reason.contains("127.0.0.1"), "\(reason)")
            return reason
        } catch {
            Issue.record("\(error) is not declared")
        }
        return nil
    }

    @Test func sendsWhatItIsGivenAndReadsAnyStatus() async throws {
        let server = try RawServer(
            answer: "HTTP/1.1 404 Not here\r\nX-Answer: yes\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngone")
        let response = try await transport.send(request: request(server.url, method: "POST", body: "{}"))
        #expect((response.status, response.body) == (404, Data("gone".utf8)))
        #expect(response.headers.contains { $0.name.lowercased() == "x-answer" && $0.value == "yes" })
        let sent = try #require(server.requests.now.first)
        #expect(sent.hasPrefix("POST /secret?token=secret HTTP/1.1\r\n"))
        #expect(sent.lowercased().contains("\r\nx-secret: secret\r\n") && sent.lowercased().contains("x-other: other"))
        #expect(sent.hasSuffix("\r\n\r\n{}"))
    }

    @Test func followsNoRedirect() async throws {
        let server = try RawServer(
            answer: "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        #expect(try await transport.send(request: request(server.url)).status == 302)
        #expect(server.requests.now.count == 1)
    }

    @Test func keepsNoCookiesAndNoCache() async throws {
        let server = try RawServer(
            answer: "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nCache-Control: max-age=600\r\nContent-Length: 2\r\n"
                + "Connection: close\r\n\r\n{}")
        for _ in 0..<2 {
            #expect(try await transport.send(request: request(server.url)).status == 200)
        }
        #expect(server.requests.now.count == 2)
        #expect(!server.requests.now.joined().lowercased().contains("cookie"))
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Le", "", "no HTTP at all\r\n\r\n",
    ])
    func whatIsCutOffIsNoAnswer(answer: String) async throws {
        #expect(await refusal(request(try RawServer(answer: answer).url)) != nil)
    }

    @Test func aBodyOfTheLongestLengthIsReadAndOneMoreIsNot() async throws {
        let body = String(repeating: " ", count: 1000)
        let whole = try RawServer(answer: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n\(body)")
        #expect(try await transport.send(request: request(whole.url)).body.count == 1000)
        for head in ["Content-Length: 1001", "Connection: close"] {
            let longer = try RawServer(answer: "HTTP/1.1 200 OK\r\n\(head)\r\n\r\n\(body) ")
            #expect(await refusal(request(longer.url)) == "the answer is too long")
        }
    }

    @Test func theTimeoutIsForTheWholeExchange() async throws {
        let silent = try RawServer(answer: nil)
        #expect(await refusal(request(silent.url, timeout: 0.2)) != nil)
    }

    @Test func whereNobodyListensNothingIsReached() async throws {
        #expect(await refusal(request("http://127.0.0.1:1")) != nil)
        #expect(await refusal(request("http://[secret")) != nil)
    }

    @Test func aCancelledTaskCancelsItsRequest() async throws {
        let silent = try RawServer(answer: nil)
        let sending = Task { await refusal(request(silent.url)) }
        while silent.requests.now.isEmpty { await Task.yield() }
        sending.cancel()
        #expect(await sending.value == "it was cancelled")
        while silent.requests.now.last != "hung up" { await Task.yield() }
    }

    @Test func aTaskThatIsCancelledBeforeSendsNothing() async throws {
        let silent = try RawServer(answer: nil)
        let sending = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await refusal(request(silent.url))
        }
        #expect(await sending.value == "it was cancelled")
    }
}
