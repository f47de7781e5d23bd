package io.github.countersign.android.core

import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/** Time as the models need it: how long the phone has been running, and a pulse each second. Tests bring their own. */
interface Ticks {
    /** Milliseconds since the phone started, sleep included; nobody can set it. */
    fun elapsedMillis(): Long

    /** Once at once, and then each second. */
    val seconds: Flow<Unit>
}

/** The phone's own time. */
class PhoneTicks(private val elapsed: () -> Long) : Ticks {
    override fun elapsedMillis(): Long = elapsed()

    override val seconds: Flow<Unit> =
        flow {
            while (true) {
                emit(Unit)
                delay(SECOND)
            }
        }
}

/** Milliseconds of a second. */
const val SECOND = 1000L
