package io.github.countersign

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asExecutor
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.withTimeoutOrNull
import java.io.IOException
import java.net.ConnectException
import java.net.SocketTimeoutException
import java.net.UnknownHostException
import java.util.concurrent.Executor
import javax.net.ssl.SSLException
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException
import kotlin.time.toKotlinDuration

/**
 * Sends requests with [java.net.HttpURLConnection], which the JVM and Android share.
 *
 * Each exchange has a connection of its own, which is closed after it. A phone asks rarely, so a kept connection is
 * mostly dead when it is needed, and both platforms send a request again by themselves when they find it so. A POST
 * is never sent twice: its length is fixed before it is sent, which forbids that. The JVM still repeats a GET, PUT or
 * DELETE once when a server closes without a word, and nothing here can stop it. A server that had heard the first one
 * refuses the second as `replayed`, and the next call goes through.
 *
 * The timeout is for the whole exchange, not for each read. Cancelling a call closes the connection. No redirect is
 * followed, nothing is cached, and no reason of a failure has any part of the request in it. An answer that does not say
 * how long it is cannot be told from one that was cut, and is as good as none.
 *
 * Two things of the platform act on every connection of the process and cannot be refused here: a default
 * [java.net.CookieHandler] and a default [java.net.Authenticator]. Countersign's server needs neither; an app that
 * sets them for others must know that they see these connections too.
 *
 * Android asks for the `INTERNET` permission, and refuses plain `http`, which only tests need.
 *
 * @sample io.github.countersign.samples.Samples.aTransportSendsOneRequest
 */
public class HttpUrlConnectionTransport : Transport {
    /**
     * Sends one request and reads the whole response, whatever its status. It suspends and blocks no thread of the
     * caller: the exchange runs on a thread of [Dispatchers.IO]. Several may be running at once.
     *
     * @throws TransportException.Unreachable when there is no whole response in time, or one that is too long.
     */
    override suspend fun send(request: HttpRequest): HttpResponse =
        try {
            withTimeoutOrNull(request.timeout.toKotlinDuration()) { exchanged(request) }
        } catch (failure: IOException) {
            throw TransportException.Unreachable(reasonOf(failure))
        } ?: throw TransportException.Unreachable("no answer in time")
}

/** Waits for an exchange without waiting for its thread, which a dead network may hold a little longer. */
private suspend fun exchanged(request: HttpRequest): HttpResponse =
    suspendCancellableCoroutine { waiting ->
        val exchange = HttpExchange(request)
        // Closing a TLS connection sends, which Android forbids on the thread that may be cancelling.
        waiting.invokeOnCancellation { closing.execute(exchange::abandon) }
        exchanging.execute {
            try {
                waiting.resume(exchange.run())
            } catch (failure: IOException) {
                waiting.resumeWithException(failure)
            } catch (_: Exception) {
                // So the platform refuses an address, a header, or an app without the permission; and it quotes them.
                waiting.resumeWithException(IOException())
            }
        }
    }

private val exchanging: Executor = Dispatchers.IO.asExecutor()

/** Apart from [exchanging], whose threads may all be in the exchanges that are to be closed. */
private val closing: Executor = Dispatchers.IO.limitedParallelism(2).asExecutor()

/** Never the exception's own words: they may quote the address. */
private fun reasonOf(failure: IOException): String =
    when (failure) {
        is UnknownHostException -> "the server's name is not known"
        is ConnectException -> "nothing answers there"
        is SocketTimeoutException -> "no answer in time"
        is SSLException -> "no trusted TLS connection"
        is AnswerTooLong -> "the answer is too long"
        is AnswerCutShort -> "the answer was cut short"
        else -> "the connection failed"
    }
