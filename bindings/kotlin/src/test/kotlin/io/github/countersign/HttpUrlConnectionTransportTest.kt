package io.github.countersign

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.net.ServerSocket
import java.net.Socket
import java.time.Duration
import java.util.concurrent.Executors
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Against sockets that say exactly what the test wants. */
class HttpUrlConnectionTransportTest {
    private val listener = ServerSocket(0)
    private val requests = LinkedBlockingQueue<String>()
    private val url = "http://127.0.0.1:${listener.localPort}/path?secret=hidden"
    private val transport = HttpUrlConnectionTransport()

    @AfterEach
    fun end() = listener.close()

    /** Answers each connection with these bytes and closes it; null leaves it open and tells [ended] its end. */
    private fun answering(answer: String?, ended: LinkedBlockingQueue<Boolean> = LinkedBlockingQueue()) {
        thread(isDaemon = true) {
            while (!listener.isClosed) {
                val socket = runCatching { listener.accept() }.getOrNull() ?: return@thread
                requests += read(socket)
                if (answer == null) {
                    thread(isDaemon = true) { ended += runCatching { socket.getInputStream().read() < 0 }.getOrDefault(true) }
                } else {
                    socket.getOutputStream().write(answer.toByteArray())
                    socket.close()
                }
            }
        }
    }

    private fun read(socket: Socket): String {
        val said = StringBuilder()
        while (!said.endsWith("\r\n\r\n")) said.append(socket.getInputStream().read().also { if (it < 0) return "$said" }.toChar())
        val length = Regex("(?i)content-length: (\\d+)").find(said)?.groupValues?.get(1)?.toInt() ?: 0
        return said.append(String(socket.getInputStream().readNBytes(length))).toString()
    }

    private fun request(method: String = "GET", body: String = "", seconds: Long = 20, to: String = url) =
        HttpRequest(method, to, listOf(HttpHeader("x-proof", "signed")), body.toByteArray(), Duration.ofSeconds(seconds), 10u)

    private fun send(request: HttpRequest) = runBlocking { transport.send(request) }

    private fun reason(request: HttpRequest): String =
        assertThrows<TransportException.Unreachable> { send(request) }.reason.also {
            assertFalse("127.0.0.1" in it || "hidden" in it || "signed" in it, it)
        }

    @Test
    fun `a request is sent as it is, and the answer read whatever its status`() {
        answering("HTTP/1.1 418 Teapot\r\nContent-Length: 3\r\nX-One: a\r\nX-One: b\r\n\r\nbad")
        val response = send(request("POST", "body"))
        assertEquals(418u.toUShort(), response.status)
        assertContentEquals("bad".toByteArray(), response.body)
        assertEquals(setOf("a", "b"), response.headers.filter { it.name == "X-One" }.map { it.value }.toSet())
        val sent = requests.take()
        assertTrue(sent.startsWith("POST /path?secret=hidden HTTP/1.1\r\n") && sent.endsWith("\r\n\r\nbody"), sent)
        assertTrue("x-proof: signed\r\n" in sent && "Connection: close\r\n" in sent, sent)
    }

    @Test
    fun `every method of the protocol goes through`() {
        answering("HTTP/1.1 204 No Content\r\n\r\n")
        for ((method, body) in listOf("GET" to "", "DELETE" to "", "PUT" to "body", "POST" to "body")) {
            assertEquals(204u.toUShort(), send(request(method, body)).status)
            assertTrue(requests.take().startsWith("$method /"))
        }
    }

    @Test
    fun `401 is an answer`() {
        answering("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Countersign-Proof\r\nX-N: 1\r\nContent-Length: 2\r\n\r\n{}")
        for (method in listOf("GET", "DELETE", "PUT")) {
            val response = send(request(method, if (method == "PUT") "body" else ""))
            assertEquals(401u.toUShort() to "{}", response.status to String(response.body))
        }
        val toPost = send(request("POST", "body"))
        assertEquals(401u.toUShort() to "1", toPost.status to toPost.headers.first { it.name == "X-N" }.value)
    }

    @Test
    fun `no redirect is followed`() {
        answering("HTTP/1.1 302 Found\r\nLocation: $url\r\nContent-Length: 0\r\n\r\n")
        assertEquals(302u.toUShort(), send(request()).status)
        assertEquals(302u.toUShort(), send(request("POST", "body")).status)
        assertEquals(2, requests.size)
    }

    @Test
    fun `wherever an answer is cut, there is none`() {
        val whole = "HTTP/1.1 200 OK\r\nX-Header: value\r\nContent-Length: 8\r\n\r\n12345678"
        assertCut(whole)
        val inChunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n0\r\n\r\n"
        // Whether the very last line end is there changes nothing.
        assertCut(inChunks, inChunks.length - 4)
    }

    private fun assertCut(whole: String, last: Int = whole.length - 1) {
        for (length in 0..last) {
            ServerSocket(0).use { once ->
                thread(isDaemon = true) {
                    while (!once.isClosed) {
                        runCatching { once.accept().use { read(it); it.getOutputStream().write(whole.toByteArray(), 0, length) } }
                    }
                }
                assertThrows<TransportException.Unreachable>("cut after $length of $whole") {
                    send(request(to = "http://127.0.0.1:${once.localPort}/"))
                }
            }
        }
    }

    @Test
    fun `a POST is never sent twice`() {
        answering("")
        assertEquals("the connection failed", reason(request("POST", "body")))
        assertEquals(1, requests.size)
    }

    @Test
    fun `an answer may be as long as the core says and no longer`() {
        answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234567890")
        assertEquals(10, send(request()).body.size)
        assertEquals("the answer is too long", reason(request().copy(maxResponseLength = 9u)))
    }

    @Test
    fun `the timeout is for the whole exchange`() {
        val dripping = Executors.newSingleThreadScheduledExecutor()
        ServerSocket(0).use { slow ->
            dripping.execute {
                val socket = slow.accept()
                read(socket)
                socket.getOutputStream().write("HTTP/1.1 200 OK\r\nX-Drip: ".toByteArray())
                // Each read is in time; the whole never ends.
                val drip = Runnable { socket.getOutputStream().write('x'.code) }
                dripping.scheduleAtFixedRate(drip, 0, 20, TimeUnit.MILLISECONDS)
            }
            val short = request(to = "http://127.0.0.1:${slow.localPort}/").copy(timeout = Duration.ofMillis(500))
            assertEquals("no answer in time", reason(short))
        }
        dripping.shutdownNow()
    }

    @Test
    fun `a cancelled call ends its connection`() {
        val ended = LinkedBlockingQueue<Boolean>()
        answering(null, ended)
        runBlocking {
            val call = async(Dispatchers.Default) { transport.send(request(seconds = 600)) }
            requests.take()
            call.cancelAndJoin()
        }
        assertEquals(true, ended.poll(30, TimeUnit.SECONDS))
    }

    @Test
    fun `what cannot be reached says why without the address`() {
        assertEquals("the server's name is not known", reason(request(to = "http://name.invalid/?hidden")))
        assertEquals("nothing answers there", reason(request(to = "http://127.0.0.1:1/?hidden")))
        for (address in listOf("no address ?hidden", "file:///hidden", "mailto:hidden", "hidden")) {
            assertEquals("the connection failed", reason(request(to = address)), address)
        }
        val header = request().copy(headers = listOf(HttpHeader("x", "signed\r\ny: hidden")))
        assertEquals("the connection failed", reason(header))
    }
}
