package io.github.countersign

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.net.HttpURLConnection
import java.net.MalformedURLException
import java.net.URI
import java.net.URISyntaxException

/** More came than the core reads. */
internal class AnswerTooLong : IOException()

/** Less came than the server said. */
internal class AnswerCutShort : IOException()

/** One request and its response, on one connection. */
internal class HttpExchange(private val request: HttpRequest) {
    @Volatile private var abandoned = false

    @Volatile private var opened: HttpURLConnection? = null

    /** Blocks until the whole response is there. */
    fun run(): HttpResponse {
        val connection = connection()
        opened = connection
        try {
            if (abandoned) throw IOException()
            configure(connection)
            if (request.body.isNotEmpty()) connection.outputStream.use { it.write(request.body) }
            return response(connection)
        } finally {
            connection.disconnect()
        }
    }

    /** Makes [run] end soon, from any thread but the one that draws. */
    fun abandon() {
        abandoned = true
        opened?.disconnect()
    }

    private fun connection(): HttpURLConnection {
        val address =
            try {
                URI(request.url).toURL()
            } catch (_: URISyntaxException) {
                throw MalformedURLException()
            }
        return address.openConnection() as? HttpURLConnection ?: throw MalformedURLException()
    }

    private fun configure(connection: HttpURLConnection) {
        connection.requestMethod = request.method
        connection.instanceFollowRedirects = false
        connection.useCaches = false
        connection.allowUserInteraction = false
        val most = request.timeout.toMillis().coerceIn(1, Int.MAX_VALUE.toLong()).toInt()
        connection.connectTimeout = most
        connection.readTimeout = most
        connection.setRequestProperty("Connection", "close")
        // Android would unpack an answer by itself, and then no longer say how long it is.
        connection.setRequestProperty("Accept-Encoding", "identity")
        for ((name, value) in request.headers) connection.setRequestProperty(name, value)
        if (request.body.isNotEmpty()) {
            connection.doOutput = true
            // Forbids the platform to send it twice. Of a PUT the answer 401 must be read, which the JVM then cannot.
            if (request.method == "POST") connection.setFixedLengthStreamingMode(request.body.size)
        }
    }

    private fun response(connection: HttpURLConnection): HttpResponse {
        val status = connection.responseCode
        if (status !in 100..999) throw IOException()
        val stream = if (status >= 400) connection.errorStream else connection.inputStream
        // Of a 401 to a POST of a fixed length the JVM throws the body away, and only that.
        val lost = stream == null && status == HttpURLConnection.HTTP_UNAUTHORIZED && request.method == "POST"
        val body = stream?.use(::whole) ?: ByteArray(0)
        if (!lost && !isWhole(connection, status, body.size)) throw AnswerCutShort()
        return HttpResponse(status.toUShort(), headers(connection), body)
    }

    /** The JVM takes a body that ends early for a whole one, and even headers that end early. */
    private fun isWhole(connection: HttpURLConnection, status: Int, length: Int): Boolean {
        if (status == HttpURLConnection.HTTP_NO_CONTENT || status == HttpURLConnection.HTTP_NOT_MODIFIED) return true
        // Only of chunks does the platform see the end by itself.
        if (connection.getHeaderField("Transfer-Encoding").equals("chunked", ignoreCase = true)) return true
        return connection.getHeaderField("Content-Length")?.trim()?.toIntOrNull() == length
    }

    private fun whole(stream: InputStream): ByteArray {
        val most = request.maxResponseLength.toLong()
        val body = ByteArrayOutputStream()
        val part = ByteArray(8 * 1024)
        while (true) {
            val length = stream.read(part)
            if (length < 0) return body.toByteArray()
            if (body.size() + length > most) throw AnswerTooLong()
            body.write(part, 0, length)
        }
    }

    private fun headers(connection: HttpURLConnection): List<HttpHeader> =
        // The status line is there too, under no name.
        connection.headerFields.orEmpty().flatMap { (name: String?, values) ->
            if (name == null) emptyList() else values.map { HttpHeader(name, it) }
        }
}
