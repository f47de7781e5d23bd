package io.github.countersign.android.codes

import io.github.countersign.AuthenticatorException
import io.github.countersign.ForeignCode
import io.github.countersign.android.core.Core
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.core.SECOND
import io.github.countersign.android.core.Ticks
import io.github.countersign.android.core.loaded
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** The codes of other services as they are shown. */
data class CodesState(
    val codes: Loaded<List<ForeignCode>> = Loaded.Loading,
    /** Seconds since they were read: what is taken off each code's time. */
    val secondsPassed: Long = 0,
    /** The codes by counter that were asked for, by their id. */
    val counted: Map<String, String> = emptyMap(),
)

/** What is behind the codes of other services. */
class CodesModel(private val core: Core, private val ticks: Ticks, private val scope: CoroutineScope) {
    private val shown = MutableStateFlow(CodesState())
    private val reading = Mutex()
    private var readAt = 0L

    /** What the screen shows. */
    val state: StateFlow<CodesState> = shown.asStateFlow()

    init {
        scope.launch { core.changes.collect { read() } }
        scope.launch { ticks.seconds.collect { tick() } }
    }

    /** Reads them again. */
    suspend fun read() = reading.withLock {
        readAt = ticks.elapsedMillis()
        val codes = loaded { core.use { it.foreignCodes() } }
        shown.update { it.copy(codes = codes, secondsPassed = 0) }
    }

    /** Shows the next code by counter, which serves once. */
    fun next(code: String) {
        scope.launch {
            try {
                val digits = core.use { it.nextForeignCode(code) }
                shown.update { it.copy(counted = it.counted + (code to digits)) }
            } catch (_: AuthenticatorException) {
                read()
            }
        }
    }

    /** Removes a code from this phone. */
    fun remove(code: String) {
        scope.launch {
            try {
                core.use { it.removeForeignCode(code) }
            } catch (_: AuthenticatorException) {
                // It stays in the list, which is read again.
            }
            core.touched()
        }
    }

    private suspend fun tick() {
        val codes = (shown.value.codes as? Loaded.There)?.value ?: return
        val passed = (ticks.elapsedMillis() - readAt) / SECOND
        if (codes.any { code -> code.shown?.let { it.secondsLeft.toLong() <= passed } == true }) return read()
        shown.update { it.copy(secondsPassed = passed) }
    }
}
